package doctor

import (
	"fmt"
	"strings"
)

// unreached explains a connect that did not come about.
func unreached(s *Subject, r *reach) Finding {
	f := Finding{ID: "unreachable", Severity: Fault}
	switch r.fault {
	case refused:
		if len(r.other) > 0 {
			return Finding{
				ID: "bound-elsewhere", Severity: Fault, Attribute: "address",
				Seen:  fmt.Sprintf("%s refuses connections, but %s accepts them.", s.Addr, strings.Join(r.other, " and ")),
				Cause: `The connector is bound to another address of this host: an AJP connector without address="..." listens on the loopback address only.`,
				Cure:  fmt.Sprintf(`Set address=%q of the Connector in server.xml, or correct the URL.`, hostOf(s.Addr)),
			}
		}
		f.ID, f.Attribute = "refused", "port"
		f.Seen = "The host refuses the connection at once: nothing listens on this address and port."
		f.Cause = "Tomcat does not run, its connector is commented out or has another port, " +
			`or it is bound to another address: since 7.0.100, 8.5.51 and 9.0.31 an AJP connector without address="..." listens on the loopback address only.`
		f.Cure = "Compare port and address of the Connector in server.xml with the URL."
	case noAnswer:
		f.ID, f.Attribute = "filtered", "acceptCount"
		f.Seen = fmt.Sprintf("Connecting gets no answer within %s, not even a refusal.", set(s.Connect))
		f.Cause = "A firewall drops the packets, the host is off, or the connector's accept queue is full (acceptCount) because it takes no connections any more."
		f.Cure = "Open the port between the two hosts; if it is open, look whether the Tomcat hangs (jstack) and why."
	case noHost:
		f.ID = "host-unknown"
		f.Seen = fmt.Sprintf("The name %q does not exist.", hostOf(s.Addr))
		f.Cause = "It is misspelt, or this machine asks another name server than you think."
		f.Cure = "Correct the URL or the name service; the connector is not concerned."
	case noName:
		f.ID = "host-unknown"
		f.Seen = fmt.Sprintf("The name server gives no answer for %q.", hostOf(s.Addr))
		f.Cause = "The name service of this machine does not work."
		f.Cure = "Repair it, or write the address in the URL."
	case unreachable:
		f.Seen = "There is no way to the host: the network says so."
		f.Cause = "The host is off, or a route is missing."
		f.Cure = "Look at the network of both hosts; the connector is not concerned."
	default:
		f.Seen = "Connecting is not possible: " + r.text + "."
		f.Cause = "The system gives this reason, and none of the connector's would lead to it."
		f.Cure = "Look at this machine first."
	}
	return f
}

// hostOf is the host of host:port.
func hostOf(addr string) string {
	if i := strings.LastIndexByte(addr, ':'); i > 0 {
		return strings.Trim(addr[:i], "[]")
	}
	return addr
}

// tlsPort: our words are not encrypted, the port's are.
func tlsPort(s *Subject) Finding {
	f := Finding{
		ID: "tls-port", Severity: Fault, Attribute: "SSLEnabled",
		Seen:  "The port answers with TLS.",
		Cause: `It is an HTTPS connector (SSLEnabled="true").`,
		Cure:  "Write https:// in the URL, or give the port of the plain Connector in server.xml.",
	}
	if s.Protocol == AJP {
		f.Cure = "Give the port of the AJP Connector in server.xml (AJP itself has no TLS), or write https:// in the URL."
	}
	return f
}

// httpPort: an AJP packet was answered in HTTP.
func httpPort() Finding {
	return Finding{
		ID: "http-port", Severity: Fault, Attribute: "protocol",
		Seen:  "The port answers with HTTP.",
		Cause: `It is an HTTP connector, not the one with protocol="AJP/1.3".`,
		Cure:  "Give the port of the AJP Connector in server.xml, or write http:// in the URL.",
	}
}

// ajpPort: HTTP got no answer, a CPING did.
func ajpPort(s *Subject) Finding {
	return Finding{
		ID: "ajp-port", Severity: Fault, Attribute: "protocol",
		Seen:  fmt.Sprintf("The port does not answer %s, but it answers an AJP ping.", strings.ToUpper(s.Protocol)),
		Cause: `It is the connector with protocol="AJP/1.3".`,
		Cure:  "Write ajp:// in the URL, or give the port of the HTTP Connector in server.xml.",
	}
}

// otherService: the answer is no protocol of a Tomcat.
func otherService(s *Subject, heard []byte) Finding {
	f := Finding{
		ID: "other-service", Severity: Fault, Attribute: "port",
		Seen:  fmt.Sprintf("The port answers with something else; it begins %s.", sample(heard)),
		Cause: "Another service listens there.",
		Cure:  "Compare the URL with port of the Connector in server.xml.",
	}
	switch sniff(heard) {
	case speaksSSH:
		f.Cause = "An SSH server listens there."
	case speaksEng:
		f.Cause = "A mail or file server listens there."
	case speaksAJP:
		f.Seen = "The port answers with AJP, but not with what was asked for."
		f.Cause = "It is no connector of a Tomcat, or one that is badly out of step."
	}
	return f
}

// noTLS explains a handshake that failed.
func noTLS(s *Subject, t *secure) Finding {
	f := Finding{ID: "not-tls", Severity: Fault, Attribute: "SSLEnabled"}
	switch {
	case t.outcome == strange && len(t.heard) == 0:
		return Finding{
			ID: "certificate", Severity: Fault, Attribute: "certificateKeystoreFile",
			Seen:  "The certificate of the connector is not accepted: " + strings.TrimPrefix(t.text, "certificate not accepted: ") + ".",
			Cause: "It was made for another name, has run out, or its issuer is not known to this machine.",
			Cure:  "Give the connector a certificate for the name in the URL (certificateKeystoreFile, on Tomcat 7.0 and 8.0 keystoreFile), or add its issuer to this machine's.",
		}
	case t.outcome == strange:
		f.Seen = "The port does not speak TLS."
		f.Cause = `It is a connector without SSLEnabled="true"`
		if sniff(t.heard) == speaksWeb {
			f.Cause += "; it answers with HTTP"
		}
		f.Cause += "."
		f.Cure = "Write http:// in the URL, or give the port of the HTTPS Connector in server.xml."
	case t.outcome == silent:
		f.ID, f.Attribute = "silent", "acceptCount"
		f.Seen = fmt.Sprintf("Connected, but the TLS handshake gets no answer within %s.", set(s.Answer))
		f.Cause = silence
		f.Cure = "Look at catalina.out and at a thread dump (jstack) of the Tomcat."
	default:
		f.Seen = "The TLS handshake is refused (" + t.text + ")."
		f.Cause = "The port does not speak TLS, or protocols and ciphers of the connector do not fit ours (TLS 1.2 and later)."
		f.Cure = "Compare the URL with port, SSLEnabled and sslEnabledProtocols of the Connector in server.xml."
	}
	return f
}
