<%@ page session="false" trimDirectiveWhitespaces="true" %><%@ include file="WEB-INF/common.jspf" %><%
	// The body, if any, is left unread: the connector has to get rid of it.
	out.print("ignored node=" + nodeName + "\n");
%>
