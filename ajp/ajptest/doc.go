// Package ajptest is an AJP/1.3 container for tests of whoever speaks to one: it
// listens on loopback, answers like a Tomcat, and misbehaves on request.
//
// A test gives New a Handler, which owns one connection from accept to close and runs
// on a goroutine of its own. Tomcat.Serve is the well-behaved one. A misbehaving one
// is a few lines written with the steps of Conn, down to single bytes:
//
//	s := ajptest.New(t, func(c *ajptest.Conn) {
//		if _, err := c.ReadRequest(); err != nil {
//			return
//		}
//		c.Send([]byte("AB\x00\x02\x05")) // half an END_RESPONSE
//		c.Reset()
//	})
//
// Order in time is made with channels: Conn.Wait holds a script until the test closes
// one, and Server.Await holds the test until requests have arrived. Nothing here
// sleeps or looks at a clock.
//
// The server keeps a ledger of every request that reached it, by X-Request-Id, so a
// test can prove that nothing was delivered twice.
//
// What bites: a Handler that blocks on something else than its connection or Wait
// keeps Close, and with it the end of the test, waiting. A closed connection ends
// every step with an error; scripts return on it.
package ajptest
