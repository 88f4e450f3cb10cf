package doctor

import (
	"fmt"
	"regexp"
	"strings"
)

// silence names what looks alike to a newcomer, the likeliest first
// (measured, ajp13.md 11).
const silence = "Its connector is not started, paused or stopped, has reached maxConnections, has no thread free, or the JVM is frozen or still deploying."

// noPong explains a CPING without a CPONG.
func noPong(s *Subject, p *ping) Finding {
	switch p.outcome {
	case strange:
		switch sniff(p.heard) {
		case speaksWeb:
			return httpPort()
		case speaksTLS:
			return tlsPort(s)
		}
		return otherService(s, p.heard)
	case silent:
		return Finding{
			ID: "silent", Severity: Fault, Attribute: "secretRequired",
			Seen:  fmt.Sprintf("The port accepts connections but does not answer a ping within %s.", set(s.Patience)),
			Cause: `Most likely the connector did not start: without secret="..." Tomcat since 7.0.100, 8.5.51 and 9.0.31 wants secretRequired="false", and keeps the port bound nevertheless. Or it is paused, has reached maxConnections, has no thread free (maxThreads), or the JVM is frozen or still deploying.`,
			Cure:  `Look for "secretRequired" in catalina.out and set secret="..." of the Connector in server.xml (and secret_file here); if it is not there, a thread dump (jstack) tells the rest.`,
		}
	default:
		return Finding{
			ID: "closed", Severity: Fault, Attribute: "port",
			Seen:  "The port accepts the connection and closes it as soon as it is pinged.",
			Cause: "No AJP connector does that. It is Tomcat's shutdown port (port of the Server element, usually 8005), or another service, or the connector is about to stop.",
			Cure:  "Compare the URL with port of the AJP Connector in server.xml.",
		}
	}
}

// latePong explains a CPONG that came late.
func latePong(s *Subject, p *ping) Finding {
	return Finding{
		ID: "busy", Severity: Warning, Attribute: "maxThreads",
		Seen:  fmt.Sprintf("The ping was answered only after %s; we give it %s.", span(p.took), set(s.Ping)),
		Cause: "No thread was free (maxThreads), maxConnections was reached, the JVM was collecting garbage, or Tomcat was still deploying.",
		Cure:  "Ask again; if it stays so, raise maxThreads of the Connector in server.xml or lower connections.max here, and look at a thread dump (jstack).",
	}
}

// noPage explains a request without an answer on a connection that pings well.
func noPage(s *Subject, a *answer) Finding {
	f := Finding{ID: "no-answer", Severity: Fault}
	switch a.outcome {
	case silent:
		f.Attribute = "maxThreads"
		f.Seen = fmt.Sprintf("Tomcat answers the ping, but GET %s gets no answer within %s.", s.path(), set(s.Answer))
		f.Cause = "The application takes that long or waits for something that does not come (a database, a lock); Undertow and executors shared by several connectors also answer pings while all threads are busy."
		f.Cure = "Take a thread dump (jstack) of the Tomcat, and ask for a page that answers quickly."
	case strange:
		f.ID = "malformed"
		f.Seen = fmt.Sprintf("The answer to GET %s is not understood (%s).", s.path(), strings.TrimSuffix(a.fault, "."))
		f.Cause, f.Attribute = "Its head is larger than packetSize of the connector, which Tomcat 8.5 and later then send damaged.", "packetSize"
		f.Cure = "Raise packetSize of the Connector in server.xml and max_packet_size here, to the same value."
	default:
		f.ID = "broken"
		f.Seen = fmt.Sprintf("Tomcat answers the ping, but closes the connection in place of an answer to GET %s.", s.path())
		f.Cause = "It is about to stop, or something between the two hosts cuts the connection."
		f.Cure = "Ask again; then look at catalina.out."
	}
	return f
}

// refusedByConnector explains an answer that ended with reuse 0: the connector
// gave it before the application was asked.
func refusedByConnector(s *Subject, g *signs) Finding {
	a := &g.plain
	f := Finding{Severity: Fault, Attribute: "secret"}
	switch {
	case a.status == 403 && s.Secret == "":
		f.ID = "secret-missing"
		f.Seen = "Tomcat answers the ping but refuses the request with 403 (a ping does not check the secret)."
		f.Cause = `Most likely the connector has a secret="..." in its server.xml, and we send none.`
		f.Cure = "Write that secret into a file and name it with secret_file."
	case a.status == 403:
		f.ID = "secret-wrong"
		f.Seen = "Tomcat answers the ping but refuses the request with 403 (a ping does not check the secret)."
		f.Cause = `Most likely the AJP secret differs from secret="..." in its server.xml.`
		f.Cure = "Make both the same; a space or a line end at either side counts."
	case a.status == 400 && g.elsewhere.outcome == answered && !g.elsewhere.connectors():
		f.ID, f.Attribute = "host-refused", ""
		f.Seen = fmt.Sprintf("Tomcat refuses the Host %q with 400; it takes localhost.", s.authority())
		f.Cause = "It is no valid host name to Tomcat: an underscore, an empty label, or a hyphen at an end."
		f.Cure = "Give health.request a valid host. If clients use that name as well, all their requests are refused: give the machine another name."
	default:
		f.ID, f.Attribute = "request-refused", "maxHeaderCount"
		f.Seen = fmt.Sprintf("The connector itself answers GET %s with %d, before any application.", s.path(), a.status)
		f.Cause = "It does not accept the head of the request: a limit such as maxHeaderCount or maxParameterCount is below what a plain request needs, the path is not valid, or Tomcat is about to stop."
		f.Cure = "Look at the attributes of the Connector in server.xml and at catalina.out."
	}
	return f
}

// forbidden explains a 403 that comes only with request attributes.
func forbidden(names []string) Finding {
	pattern := make([]string, len(names))
	for i, name := range names {
		pattern[i] = regexp.QuoteMeta(name)
	}
	return Finding{
		ID: "attribute-forbidden", Severity: Fault, Attribute: "allowedRequestAttributesPattern",
		Seen:  fmt.Sprintf("Tomcat takes the request, but refuses it with 403 when it carries the request attribute %s.", strings.Join(names, ", ")),
		Cause: "Since 7.0.100, 8.5.51 and 9.0.31 the connector refuses attributes that it does not know.",
		Cure: fmt.Sprintf(`Set allowedRequestAttributesPattern="%s" of the Connector in server.xml (a regular expression for the whole name).`,
			strings.Join(pattern, "|")),
	}
}

// unguarded: we send a secret and none is needed.
func unguarded() Finding {
	return Finding{
		ID: "secret-unused", Severity: Note, Attribute: "secret",
		Seen:  "Tomcat serves requests without the secret that we send.",
		Cause: `Its connector has no secret="...": whoever reaches the port can pretend to be anybody.`,
		Cure:  `Set secret="..." of the Connector in server.xml.`,
	}
}

// smallerPacket: theirs is smaller than ours.
func smallerPacket(s *Subject, theirs int) Finding {
	return Finding{
		ID: "packet-smaller", Severity: Fault, Attribute: "packetSize",
		Seen:  fmt.Sprintf("Heads and bodies of up to %d bytes are taken, ours may have %d.", theirs, s.Packet),
		Cause: "packetSize of the connector is smaller than max_packet_size here; a larger packet costs the connection, and the client gets a 400 or 500.",
		Cure:  fmt.Sprintf(`Set packetSize="%d" of the Connector in server.xml, or max_packet_size: %d here.`, s.Packet, theirs),
	}
}

// largerPacket: theirs is larger than ours.
func largerPacket(s *Subject, theirs int) Finding {
	return Finding{
		ID: "packet-larger", Severity: Fault, Attribute: "packetSize",
		Seen:  fmt.Sprintf("Tomcat uses packets of %d bytes, ours may have %d.", theirs, s.Packet),
		Cause: "packetSize of the connector is larger than max_packet_size here; its answers are not understood.",
		Cure:  fmt.Sprintf(`Set max_packet_size: %d here, or packetSize="%d" of the Connector in server.xml.`, theirs, s.Packet),
	}
}

// longHead: no long head is taken at all, so the size is not what matters.
func longHead(s *Subject) Finding {
	return Finding{
		ID: "long-head", Severity: Warning, Attribute: "packetSize",
		Seen:  "A request with a head of 8192 bytes is not answered like a short one.",
		Cause: "A filter or valve of the application limits the length of header fields; every AJP connector takes a head of that size.",
		Cure:  fmt.Sprintf("Whether packetSize fits our %d bytes could not be found out; compare it in server.xml.", s.Packet),
	}
}
