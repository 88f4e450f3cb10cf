<%@ page session="false" trimDirectiveWhitespaces="true" %><%@ include file="WEB-INF/common.jspf" %><%@ include file="WEB-INF/digest.jspf" %><%
	// Byte i of the body is i modulo 251: a prime, so that a lost or doubled block shows.
	// digest=0 leaves X-Digest out (hashing gigabytes before the first byte takes seconds).
	long size = Long.parseLong(request.getParameter("n") == null ? "0" : request.getParameter("n"));
	byte[] block = new byte[251 * 32];
	for (int i = 0; i < block.length; i++) {
		block[i] = (byte) (i % 251);
	}
	if (!"0".equals(request.getParameter("digest"))) {
		java.security.MessageDigest digest = java.security.MessageDigest.getInstance("SHA-256");
		for (long left = size; left > 0; left -= block.length) {
			digest.update(block, 0, (int) Math.min(left, block.length));
		}
		response.setHeader("X-Digest", hex(digest));
	}
	response.setContentType("application/octet-stream");
	if ("1".equals(request.getParameter("length"))) {
		response.setHeader("Content-Length", Long.toString(size));
	}
	java.io.OutputStream stream = response.getOutputStream();
	for (long left = size; left > 0; left -= block.length) {
		stream.write(block, 0, (int) Math.min(left, block.length));
	}
	stream.flush();
%>
