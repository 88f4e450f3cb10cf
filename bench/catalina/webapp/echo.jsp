<%@ page session="false" trimDirectiveWhitespaces="true" %><%@ include file="WEB-INF/common.jspf" %><%@ include file="WEB-INF/digest.jspf" %><%
	StringBuilder text = new StringBuilder();
	text.append("method=").append(request.getMethod()).append('\n');
	text.append("uri=").append(request.getRequestURI()).append('\n');
	text.append("query=").append(request.getQueryString()).append('\n');
	text.append("protocol=").append(request.getProtocol()).append('\n');
	text.append("scheme=").append(request.getScheme()).append('\n');
	text.append("secure=").append(request.isSecure()).append('\n');
	text.append("server=").append(request.getServerName()).append(':').append(request.getServerPort()).append('\n');
	text.append("remote_addr=").append(request.getRemoteAddr()).append('\n');
	text.append("remote_host=").append(request.getRemoteHost()).append('\n');
	text.append("remote_port=").append(request.getRemotePort()).append('\n');
	text.append("remote_user=").append(request.getRemoteUser()).append('\n');
	text.append("auth_type=").append(request.getAuthType()).append('\n');
	text.append("local_addr=").append(request.getLocalAddr()).append('\n');
	text.append("session_requested=").append(request.getRequestedSessionId()).append('\n');
	text.append("node=").append(nodeName).append('\n');
	for (java.util.Enumeration<?> names = request.getHeaderNames(); names.hasMoreElements();) {
		String name = (String) names.nextElement();
		for (java.util.Enumeration<?> values = request.getHeaders(name); values.hasMoreElements();) {
			text.append("header.").append(name.toLowerCase()).append('=').append(values.nextElement()).append('\n');
		}
	}
	// Tomcat keeps most of what a connector sets out of getAttributeNames, hence the list.
	java.util.Set<String> attributes = new java.util.TreeSet<String>();
	for (java.util.Enumeration<?> names = request.getAttributeNames(); names.hasMoreElements();) {
		attributes.add((String) names.nextElement());
	}
	String[] hidden = { "JK_LB_ACTIVATION", "AJP_REMOTE_PORT", "AJP_LOCAL_ADDR", "AJP_SSL_PROTOCOL", "secret",
			"org.apache.tomcat.util.net.secure_protocol_version", "CERT_ISSUER", "CERT_SUBJECT" };
	attributes.addAll(java.util.Arrays.asList(hidden));
	String[] ssl = { "cipher_suite", "key_size", "ssl_session", "ssl_session_id", "secure_protocol", "X509Certificate" };
	for (int i = 0; i < ssl.length; i++) {
		attributes.add("javax.servlet.request." + ssl[i]);
		attributes.add("jakarta.servlet.request." + ssl[i]);
	}
	for (String name : attributes) {
		Object value = request.getAttribute(name);
		if (value == null) {
			continue;
		}
		if (value instanceof java.security.cert.X509Certificate[]) {
			java.security.cert.X509Certificate[] chain = (java.security.cert.X509Certificate[]) value;
			value = chain.length + " " + (chain.length == 0 ? "" : chain[0].getSubjectX500Principal().getName());
		}
		text.append("attr.").append(name).append('=').append(value).append('\n');
	}
	String[] body = drain(request.getInputStream());
	text.append("body_length=").append(body[0]).append('\n');
	text.append("body_sha256=").append(body[1]).append('\n');
	out.print(text.toString());
%>
