<%@ page session="false" trimDirectiveWhitespaces="true" %><%@ include file="WEB-INF/common.jspf" %><%
	int size = Integer.parseInt(request.getParameter("n") == null ? "1000" : request.getParameter("n"));
	char[] value = new char[size];
	java.util.Arrays.fill(value, 'x');
	response.setHeader("X-Big", new String(value));
	out.print("bighead=" + size + "\n");
%>
