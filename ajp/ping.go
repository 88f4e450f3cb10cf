package ajp

// AppendCPing appends a CPING packet: is anybody there? Allowed only between
// requests. Tomcat answers before any host or secret is looked at, so the answer says
// nothing about authorization.
func AppendCPing(dst []byte) []byte {
	return append(dst, toContainer0, toContainer1, 0, 1, byte(CPing))
}

// AppendCPong appends the answer to a CPING.
func AppendCPong(dst []byte) []byte {
	return append(dst, toWeb0, toWeb1, 0, 1, byte(CPong))
}

// ParseCPong checks the payload of a CPONG, which is its type alone.
func ParseCPong(payload []byte) error { return parseBare(payload, CPong) }

// ParseCPing checks the payload of a CPING, which is its type alone.
func ParseCPing(payload []byte) error { return parseBare(payload, CPing) }

func parseBare(payload []byte, t Type) error {
	switch {
	case len(payload) == 0:
		return ErrShort
	case Type(payload[0]) != t:
		return ErrType
	case len(payload) > 1:
		return ErrTrailing
	}
	return nil
}
