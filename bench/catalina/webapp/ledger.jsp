<%@ page session="false" trimDirectiveWhitespaces="true" %><%@ include file="WEB-INF/common.jspf" %><%
	// A POST was written down by common.jspf already; a GET shows the whole ledger of this node.
	if ("POST".equals(request.getMethod())) {
		out.print("recorded=" + requestId + " node=" + nodeName + "\n");
		return;
	}
	java.io.File file = new java.io.File(ledgerFile);
	if (!file.exists()) {
		return;
	}
	java.io.BufferedReader lines = new java.io.BufferedReader(
			new java.io.InputStreamReader(new java.io.FileInputStream(file), "ISO-8859-1"));
	try {
		for (String line = lines.readLine(); line != null; line = lines.readLine()) {
			out.print(line + "\n");
		}
	} finally {
		lines.close();
	}
%>
