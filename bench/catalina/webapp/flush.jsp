<%@ page session="false" trimDirectiveWhitespaces="true" %><%@ include file="WEB-INF/common.jspf" %><%
	int parts = Integer.parseInt(request.getParameter("parts") == null ? "3" : request.getParameter("parts"));
	long pause = Long.parseLong(request.getParameter("ms") == null ? "0" : request.getParameter("ms"));
	for (int i = 0; i < parts; i++) {
		if (i > 0 && pause > 0) {
			Thread.sleep(pause);
		}
		out.print("part=" + i + "\n");
		out.flush();
		response.flushBuffer();
	}
%>
