package doctor

import (
	"fmt"
	"strings"
	"time"
)

// noWeb explains HTTP without an answer.
func noWeb(s *Subject, a *answer) Finding {
	f := Finding{ID: "closed", Severity: Fault, Attribute: "port"}
	if a.outcome == silent {
		f.ID, f.Attribute = "silent", "maxConnections"
		f.Seen = fmt.Sprintf("Connected, but GET %s gets no answer within %s.", s.path(), set(s.Answer))
		f.Cause = "The application takes that long, or: " + strings.ToLower(silence[:1]) + silence[1:]
		f.Cure = "Look at catalina.out and at a thread dump (jstack) of the Tomcat."
		return f
	}
	f.Seen = fmt.Sprintf("The port accepts the connection and closes it in place of an answer to GET %s.", s.path())
	f.Cause = "It is Tomcat's shutdown port (port of the Server element, usually 8005), or another service, or the connector is about to stop."
	f.Cure = "Compare the URL with port of the HTTP Connector in server.xml."
	return f
}

// redirected: the application sends us to HTTPS.
func redirected(s *Subject, a *answer) Finding {
	f := Finding{
		ID: "redirect-secure", Severity: Note, Attribute: "redirectPort",
		Seen:  fmt.Sprintf("GET %s is answered with %d to %s.", s.path(), a.status, clipped(a.location)),
		Cause: `The page wants https (transport-guarantee CONFIDENTIAL), and the probe comes as plain http; redirectPort makes the port of the address.`,
		Cure:  "If the balancer's clients come over TLS this is as it should be, else set redirectPort of the Connector in server.xml to the port that they can reach; ask for a page without that constraint as health.request.",
	}
	if s.judged() && !s.expects(a.status) {
		f.Severity = Fault
	}
	return f
}

// clipped shortens a foreign text to what a person wants to see of it.
func clipped(text string) string { return sample([]byte(text)) }

// wrongHost: another Host gets the page.
func wrongHost(s *Subject, a *answer) Finding {
	return Finding{
		ID: "host-wrong", Severity: Fault,
		Seen:  fmt.Sprintf("GET %s is answered with %d for the Host %q and well for localhost.", s.path(), a.status, s.authority()),
		Cause: "Another Host element of server.xml answers to that name, and the application is not deployed there.",
		Cure:  "Give health.request the host that clients use, or add that name as an Alias to the right Host element.",
	}
}

// unexpected explains a status of the application that is not wanted.
func unexpected(s *Subject, a *answer) Finding {
	f := Finding{
		ID: "status", Severity: Fault,
		Seen: fmt.Sprintf("GET %s is answered with %d; %s is expected.", s.path(), a.status, s.wanted()),
		Cure: "Look at localhost.log of the Tomcat, or correct health.request and its expect.",
	}
	switch {
	case a.status == 404:
		f.ID = "not-found"
		f.Cause = "No application is deployed there, it is stopped or did not start, or the path begins with another context."
		f.Cure = "Look into localhost.log of the Tomcat for a failed start, or correct health.request."
	case a.status == 401:
		f.ID = "login"
		f.Cause = "The page wants a login."
		f.Cure = "Ask for a page without a security constraint, or add 401 to expect."
	case a.status == 403:
		f.ID = "app-forbids"
		f.Cause = "The application or a valve (RemoteAddrValve) forbids it; the connector let it pass, so the secret is not the reason."
		f.Cure = "Allow the balancer's address there, or ask for another page."
	case a.status == 503:
		f.ID = "unavailable"
		f.Cause = "The application is starting, reloading or unavailable, or says itself that it is not well."
	case a.status >= 500:
		f.Cause = "The application fails."
	default:
		f.Cause = "The application answers, but not as the configuration wants it."
	}
	return f
}

// wrongBody: the status is right and the body is not.
func wrongBody(s *Subject, a *answer, lacks string) Finding {
	return Finding{
		ID: "body", Severity: Fault,
		Seen:  fmt.Sprintf("GET %s is answered with %d, but its body %s.", s.path(), a.status, lacks),
		Cause: "The application says that it is not well, or another page than the one that is meant answers there.",
		Cure:  "Look at the page and at localhost.log of the Tomcat, or correct body of health.request.",
	}
}

// fewConnections: a connection waited until another one was closed.
func fewConnections(s *Subject, l limit) Finding {
	return Finding{
		ID: "max-connections", Severity: Warning, Attribute: "maxConnections",
		Seen:  fmt.Sprintf("%d of %d connections at a time were served; the next one waited until another was closed.", l.served, l.tried),
		Cause: fmt.Sprintf("maxConnections of the connector, or on Tomcat 7.0 with the blocking connector maxThreads, leaves us so many, %s.", atMost(s.Max)),
		Cure:  fmt.Sprintf("Raise maxConnections (and maxThreads) of the Connector in server.xml, or set connections.max: %d here.", l.served),
	}
}

// atMost is connections.max in words.
func atMost(max int) string {
	if max == 0 {
		return "and connections.max here is without limit"
	}
	return fmt.Sprintf("and connections.max here is %d", max)
}

// fewThreads: a ping waited until one of many requests ended.
func fewThreads(s *Subject, l limit) Finding {
	return Finding{
		ID: "max-threads", Severity: Warning, Attribute: "maxThreads",
		Seen:  fmt.Sprintf("With %d requests under way nothing else was answered until one of them ended.", l.served),
		Cause: fmt.Sprintf("maxThreads of the connector leaves us so many, %s: more requests wait in Tomcat, where no other member can take them.", atMost(s.Max)),
		Cure:  fmt.Sprintf("Raise maxThreads of the Connector in server.xml, or set connections.max: %d here.", l.served),
	}
}

// shortIdle: an unused connection was closed early.
func shortIdle(s *Subject, after time.Duration, fresh bool) Finding {
	f := Finding{
		ID: "keep-alive", Severity: Warning, Attribute: "keepAliveTimeout",
		Seen:  fmt.Sprintf("Tomcat closes an unused connection after %s; we keep them for %s.", span(after), set(s.KeepFor)),
		Cause: "keepAliveTimeout of the connector is shorter: a request that takes such a connection at that moment must be repeated, or fails.",
		Cure:  fmt.Sprintf(`Set keepAliveTimeout="%d" or more of the Connector in server.xml, or connections.keep_for here below %s.`, (s.KeepFor + 10*time.Second).Milliseconds(), span(after)),
	}
	if fresh {
		f.Cause = "connectionTimeout of the connector is shorter, and keepAliveTimeout follows it: a request that takes such a connection at that moment must be repeated, or fails."
	}
	return f
}

// shortFresh: a connection without any request was closed early. We send a
// request or a ping at once, so this hurts nobody yet.
func shortFresh(s *Subject, after time.Duration) Finding {
	return Finding{
		ID: "connection-timeout", Severity: Note, Attribute: "connectionTimeout",
		Seen:  fmt.Sprintf("Tomcat closes a connection without a request after %s.", span(after)),
		Cause: "connectionTimeout of the connector is short.",
		Cure:  "A request follows our connects at once, so nothing is wrong; clients on slow lines that reach the connector without us may see it.",
	}
}

// deafConnection: an unused connection was cut without a word.
func deafConnection(after time.Duration) Finding {
	return Finding{
		ID: "idle-cut", Severity: Warning,
		Seen:  fmt.Sprintf("A connection that was unused for %s does not answer any more, but nobody closed it.", span(after)),
		Cause: "A firewall between the two hosts forgot it, or the connector was paused or became busy meanwhile.",
		Cure:  "Ask again; if it stays so, set connections.keep_for and ping.idle here below that time.",
	}
}

// announcedIdle: the connector says itself when it will close.
func announcedIdle(s *Subject, after time.Duration) Finding {
	return Finding{
		ID: "keep-alive", Severity: Note, Attribute: "keepAliveTimeout",
		Seen:  fmt.Sprintf("Tomcat says that it closes unused connections after %s; we keep them for %s.", set(after), set(s.KeepFor)),
		Cause: "keepAliveTimeout of the connector (connectionTimeout, when it is not set) is shorter: now and then a request must be repeated on another connection.",
		Cure:  fmt.Sprintf(`Set keepAliveTimeout="%d" or more of the Connector in server.xml, or connections.keep_for here below %s.`, (s.KeepFor + 10*time.Second).Milliseconds(), span(after)),
	}
}
