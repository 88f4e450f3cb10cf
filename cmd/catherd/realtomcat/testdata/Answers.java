import io.undertow.Undertow;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.handlers.BlockingHandler;
import io.undertow.server.session.InMemorySessionManager;
import io.undertow.server.session.Session;
import io.undertow.server.session.SessionAttachmentHandler;
import io.undertow.server.session.SessionConfig;
import io.undertow.server.session.SessionCookieConfig;
import io.undertow.server.session.SessionManager;
import io.undertow.util.HeaderMap;
import io.undertow.util.HttpString;
import java.io.InputStream;
import java.security.MessageDigest;
import java.util.Map;
import java.util.TreeMap;

/** Undertow with the pages of the test application that matter for a connector. */
public class Answers {
	/** Arguments: port of the AJP listener, port of the HTTP listener. */
	public static void main(String[] args) {
		Undertow.builder()
				.setIoThreads(1).setWorkerThreads(4)
				.addAjpListener(Integer.parseInt(args[0]), "127.0.0.1")
				.addHttpListener(Integer.parseInt(args[1]), "127.0.0.1")
				.setHandler(new SessionAttachmentHandler(new BlockingHandler(Answers::answer),
						new InMemorySessionManager("answers"), new SessionCookieConfig()))
				.build().start();
	}

	static void answer(HttpServerExchange x) throws Exception {
		x.getResponseHeaders().put(new HttpString("Content-Type"), "text/plain;charset=ISO-8859-1");
		switch (x.getRelativePath()) {
		case "/app/echo":
			echo(x);
			break;
		case "/app/counter":
			counter(x);
			break;
		case "/app/size":
			size(x);
			break;
		case "/app/bighead":
			x.getResponseHeaders().put(new HttpString("X-Big"), "x".repeat(number(x)));
			x.getOutputStream().write("big\n".getBytes("ISO-8859-1"));
			break;
		default:
			x.setStatusCode(404);
		}
		x.endExchange();
	}

	static void echo(HttpServerExchange x) throws Exception {
		StringBuilder text = new StringBuilder();
		text.append("method=").append(x.getRequestMethod()).append('\n');
		text.append("uri=").append(x.getRequestURI()).append('\n');
		text.append("query=").append(x.getQueryString()).append('\n');
		text.append("scheme=").append(x.getRequestScheme()).append('\n');
		text.append("remote_addr=").append(x.getSourceAddress().getAddress().getHostAddress()).append('\n');
		text.append("remote_user=").append(x.getAttachment(HttpServerExchange.REMOTE_USER)).append('\n');
		HeaderMap headers = x.getRequestHeaders();
		for (HttpString name : headers.getHeaderNames()) {
			for (String value : headers.get(name)) {
				text.append("header.").append(name.toString().toLowerCase()).append('=').append(value).append('\n');
			}
		}
		Map<String, String> attributes = x.getAttachment(HttpServerExchange.REQUEST_ATTRIBUTES);
		if (attributes != null) {
			for (Map.Entry<String, String> a : new TreeMap<>(attributes).entrySet()) {
				text.append("attr.").append(a.getKey()).append('=').append(a.getValue()).append('\n');
			}
		}
		MessageDigest digest = MessageDigest.getInstance("SHA-256");
		byte[] buffer = new byte[16384];
		long length = 0;
		InputStream in = x.getInputStream();
		for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
			digest.update(buffer, 0, n);
			length += n;
		}
		text.append("body_length=").append(length).append('\n');
		text.append("body_sha256=").append(hex(digest)).append('\n');
		x.getOutputStream().write(text.toString().getBytes("ISO-8859-1"));
	}

	static void counter(HttpServerExchange x) throws Exception {
		SessionManager manager = x.getAttachment(SessionManager.ATTACHMENT_KEY);
		SessionConfig config = x.getAttachment(SessionConfig.ATTACHMENT_KEY);
		Session session = manager.getSession(x, config);
		if (session == null) {
			session = manager.createSession(x, config);
		}
		Integer count = (Integer) session.getAttribute("count");
		count = count == null ? 1 : count + 1;
		session.setAttribute("count", count);
		x.getOutputStream().write(("session=" + session.getId() + " count=" + count + " node=undertow\n").getBytes("ISO-8859-1"));
	}

	/** The same bytes as size.jsp: byte i is i modulo 251. */
	static void size(HttpServerExchange x) throws Exception {
		byte[] body = new byte[number(x)];
		for (int i = 0; i < body.length; i++) {
			body[i] = (byte) (i % 251);
		}
		MessageDigest digest = MessageDigest.getInstance("SHA-256");
		digest.update(body);
		x.getResponseHeaders().put(new HttpString("X-Digest"), hex(digest));
		x.getOutputStream().write(body);
	}

	static int number(HttpServerExchange x) {
		return Integer.parseInt(x.getQueryParameters().get("n").getFirst());
	}

	static String hex(MessageDigest digest) {
		StringBuilder text = new StringBuilder();
		for (byte b : digest.digest()) {
			text.append(String.format("%02x", b));
		}
		return text.toString();
	}
}
