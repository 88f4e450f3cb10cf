<%@ page session="false" trimDirectiveWhitespaces="true" %><%@ include file="WEB-INF/common.jspf" %><%
	int code = Integer.parseInt(request.getParameter("code") == null ? "200" : request.getParameter("code"));
	if ("1".equals(request.getParameter("error"))) {
		response.sendError(code);
		return;
	}
	response.setStatus(code);
	if (code >= 200 && code != 204 && code != 304) {
		out.print("status=" + code + "\n");
	}
%>
