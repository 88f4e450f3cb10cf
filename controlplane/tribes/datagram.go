package tribes

// Kind says what a datagram of the group is.
type Kind uint8

// The kinds, as McastServiceImpl.receive tells them apart.
const (
	Junk      Kind = iota // nothing that Tomcat would understand
	Heartbeat             // a member package
	Shutdown              // a member package with the stop command
	Frame                 // one or more messages broadcast to the group
)

func (k Kind) String() string {
	switch k {
	case Heartbeat:
		return "heartbeat"
	case Shutdown:
		return "shutdown"
	case Frame:
		return "frame"
	default:
		return "junk"
	}
}

// ParseDatagram says what b is. For a heartbeat or a shutdown m is filled, as
// views of b. For junk the error says why. Nothing is allocated.
func ParseDatagram(b []byte, m *Member) (Kind, error) {
	if len(b) >= len(frameBegin) && begins(b, frameBegin) {
		for rest := b; len(rest) > 0; {
			_, n, err := ParseFrame(rest)
			if err != nil {
				return Junk, err
			}
			rest = rest[n:]
		}
		return Frame, nil
	}
	if _, err := Parse(b, m); err != nil {
		return Junk, err
	}
	if m.Stopping() {
		return Shutdown, nil
	}
	return Heartbeat, nil
}
