<%@ page session="true" trimDirectiveWhitespaces="true" %><%@ include file="WEB-INF/common.jspf" %><%
	Integer count = (Integer) session.getAttribute("count");
	count = Integer.valueOf(count == null ? 1 : count.intValue() + 1);
	session.setAttribute("count", count);
	out.print("session=" + session.getId() + " count=" + count + " node=" + nodeName + "\n");
%>
