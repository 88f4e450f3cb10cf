package ajptest

import (
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strconv"

	"github.com/catherd/catherd/ajp"
)

// Tomcat is the well-behaved container; Serve is its Handler. The query string of a
// request says what to answer:
//
//	size=N      N bytes of Pattern in place of the description of the request
//	status=N    status N; 204, 205, 304 and answers to HEAD carry no data
//	nolength=1  no Content-Length
//	flush=1     a flush behind the head and behind every chunk
//	noread=1    the request body is not read, but for an announced first packet
//	read=1      the body is asked for even without sign of one
//	session=1   sets JSESSIONID with the route as suffix
//	end=0       ends without reuse and closes
type Tomcat struct {
	Name   string // shown in the description
	Route  string // jvmRoute
	Secret string // empty: none needed
	Packet int    // packet size in bytes, 0: DefaultPacket
}

// Echo is the description of a request that Tomcat answers with, as JSON. Bytes that
// are no UTF-8 are replaced.
type Echo struct {
	Name       string      `json:"name"`
	ID         string      `json:"id"`
	Method     string      `json:"method"`
	Protocol   string      `json:"protocol"`
	URI        string      `json:"uri"`
	RemoteAddr string      `json:"remote_addr"`
	RemoteHost *string     `json:"remote_host"` // nil: null string
	ServerName string      `json:"server_name"`
	ServerPort int         `json:"server_port"`
	SSL        bool        `json:"ssl"`
	Headers    [][2]string `json:"headers"`
	Attributes [][2]string `json:"attributes"` // two hex digits, or the name of a 0A
	BodyLen    int64       `json:"body_len"`
	BodySHA256 string      `json:"body_sha256"` // of the bytes read, in hex
}

// Attr gives the last attribute of that key, "" when absent.
func (e *Echo) Attr(key string) string { return last(e.Attributes, key) }

// Header gives the last header of exactly that name, "" when absent. Coded names are
// in lower case.
func (e *Echo) Header(name string) string { return last(e.Headers, name) }

func last(list [][2]string, key string) (value string) {
	for _, kv := range list {
		if kv[0] == key {
			value = kv[1]
		}
	}
	return value
}

// Serve answers requests until the web server closes the connection or does something
// a container must not accept.
func (t Tomcat) Serve(c *Conn) {
	if t.Packet != 0 {
		c.Packet = t.Packet
	}
	for {
		r, err := c.ReadRequest()
		if _, bad := err.(ajp.Error); bad {
			// The peer may wait for its answer before it closes.
			c.Send(ajp.AppendSendHeaders(nil, 400, "400"), ajp.AppendEnd(nil, false))
			return
		}
		if err != nil || !t.answer(c, r) {
			return
		}
	}
}

// answer serves one request and reports whether the connection may carry another.
func (t Tomcat) answer(c *Conn, r *Request) bool {
	if !r.Authorized(t.Secret) {
		c.Send(ajp.AppendSendHeaders(nil, 403, "403"), ajp.AppendEnd(nil, false))
		return false
	}
	q, err := url.ParseQuery(string(r.Attr(ajp.AttrQuery)))
	if err != nil {
		q = url.Values{}
	}
	if err := t.readBody(c, r, q); err != nil {
		return false
	}
	status := number(q, "status", 200)
	body, size := t.describe(r), int64(0)
	if q.Has("size") {
		body, size = nil, int64(number(q, "size", 0))
	} else {
		size = int64(len(body))
	}
	if c.Headers(status, t.fields(r, q, size, body != nil)...) != nil {
		return false
	}
	silent := string(r.Method) == "HEAD" || status < 200 || status == 204 || status == 205 || status == 304
	if t.data(c, q, body, size, silent) != nil {
		return false
	}
	// An announced packet is read before the end, whoever wanted it: otherwise it
	// would be taken for the next request.
	if _, err := c.FirstBody(r); err != nil {
		return false
	}
	reuse := q.Get("end") != "0"
	return c.End(reuse) == nil && reuse
}

func (t Tomcat) readBody(c *Conn, r *Request, q url.Values) error {
	length, err := r.BodyLength()
	if err != nil || q.Get("noread") == "1" {
		return err
	}
	if length < 0 && r.Header("transfer-encoding") == nil && q.Get("read") != "1" {
		return nil
	}
	return c.EachBody(r, nil)
}

func (t Tomcat) fields(r *Request, q url.Values, size int64, isJSON bool) []ajp.HeaderField {
	kind := "application/octet-stream"
	if isJSON {
		kind = "application/json"
	}
	list := []ajp.HeaderField{ajp.Field("Content-Type", kind)}
	if q.Get("nolength") != "1" {
		list = append(list, ajp.Field("Content-Length", strconv.FormatInt(size, 10)))
	}
	if r.ID != "" {
		list = append(list, ajp.Field("X-Request-Id", r.ID))
	}
	if q.Get("session") == "1" {
		id := "0123456789ABCDEF0123456789ABCDEF"
		if t.Route != "" {
			id += "." + t.Route
		}
		list = append(list, ajp.Field("Set-Cookie", "JSESSIONID="+id+"; Path=/; HttpOnly"))
	}
	return list
}

// data sends the body in chunks as large as the packet size allows.
func (t Tomcat) data(c *Conn, q url.Values, body []byte, size int64, silent bool) error {
	flush := q.Get("flush") == "1"
	if flush {
		if err := c.Chunk(nil); err != nil {
			return err
		}
	}
	if silent {
		return nil
	}
	buf := make([]byte, ajp.MaxChunk(c.Packet))
	for off := int64(0); off < size; {
		part := buf[:min(size-off, int64(len(buf)))]
		if body != nil {
			copy(part, body[off:])
		} else {
			Pattern(part, off)
		}
		if err := c.Chunk(part); err != nil {
			return err
		}
		if off += int64(len(part)); flush {
			if err := c.Chunk(nil); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t Tomcat) describe(r *Request) []byte {
	e := Echo{
		Name: t.Name, ID: r.ID, Method: string(r.Method), Protocol: string(r.Protocol), URI: string(r.URI),
		RemoteAddr: string(r.RemoteAddr), ServerName: string(r.ServerName), ServerPort: int(r.ServerPort), SSL: r.SSL,
		Headers: [][2]string{}, Attributes: [][2]string{}, BodyLen: r.entry.BodyLen, BodySHA256: r.entry.Digest,
	}
	if r.RemoteHost != nil {
		host := string(r.RemoteHost)
		e.RemoteHost = &host
	}
	for _, h := range r.Headers {
		e.Headers = append(e.Headers, [2]string{string(h.Name), string(h.Value)})
	}
	for _, a := range r.Attributes {
		switch a.Code {
		case ajp.AttrReqAttr:
			e.Attributes = append(e.Attributes, [2]string{string(a.Name), string(a.Value)})
		case ajp.AttrKeySize:
			e.Attributes = append(e.Attributes, [2]string{"0b", strconv.Itoa(int(a.Bits))})
		default:
			e.Attributes = append(e.Attributes, [2]string{hex.EncodeToString([]byte{a.Code}), string(a.Value)})
		}
	}
	b, err := json.Marshal(e)
	if err != nil {
		panic("describe request: " + err.Error()) // strings and numbers always marshal
	}
	return b
}

func number(q url.Values, key string, otherwise int) int {
	if n, err := strconv.Atoi(q.Get(key)); err == nil && n >= 0 {
		return n
	}
	return otherwise
}

// Pattern fills b with the bytes that stand at offset off of every answer of size=N.
// The period is 251, so a lost, doubled or swapped packet shows.
func Pattern(b []byte, off int64) {
	for i := range b {
		b[i] = byte((off + int64(i)) % 251)
	}
}
