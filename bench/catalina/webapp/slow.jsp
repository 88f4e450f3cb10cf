<%@ page session="false" trimDirectiveWhitespaces="true" %><%@ include file="WEB-INF/common.jspf" %><%
	Thread.sleep(Long.parseLong(request.getParameter("ms") == null ? "0" : request.getParameter("ms")));
	out.print("slow=" + request.getParameter("ms") + " node=" + nodeName + "\n");
%>
