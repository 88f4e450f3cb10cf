package upstream

import "time"

// loneFor is how long LoneHead counts. A head that is wrongly expected alone costs
// a write to the client, one that is wrongly held some 200 ms.
const loneFor = time.Minute

// LoneHead notes that the head of an answer was followed by nothing for longer than
// a member takes whose flushes are seen: over AJP, one with ajpFlush="false".
func (c *Conn) LoneHead(now int64) {
	if c.pool != nil {
		c.pool.lone.Store(now + int64(loneFor))
	}
}

// Flushes notes that the member's flushes are seen.
func (c *Conn) Flushes() {
	if c.pool != nil && c.pool.lone.Load() != 0 {
		c.pool.lone.Store(0)
	}
}

// SendsLoneHeads reports whether a head had better not wait for what follows it.
func (c *Conn) SendsLoneHeads(now int64) bool {
	return c.pool != nil && now < c.pool.lone.Load()
}
