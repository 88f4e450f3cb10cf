<%@ page session="false" trimDirectiveWhitespaces="true" %><%@ include file="WEB-INF/common.jspf" %><%@ include file="WEB-INF/digest.jspf" %><%
	String[] body = drain(request.getInputStream());
	out.print("length=" + body[0] + " sha256=" + body[1] + " node=" + nodeName + "\n");
%>
