// Package http1 reads HTTP/1.0 and HTTP/1.1 messages for a proxy: bytes in,
// values out. It holds no socket, no clock, no buffer and no lock, allocates
// nothing once its values are warm, and never panics, whatever it is given.
//
// It is called by the engines of the data plane, on the raw bytes of a client
// (Request, Chunked, Normalize) and of a member (Response, Chunked), before
// anything is passed on.
//
// What it is for: no client message may become two at the member, and no answer
// two at the client. The two ends of a proxy must therefore agree on where each
// message ends, and they do so here by refusing every message that can be read
// in two ways (RFC 9112 section 11.2): two lengths, a length beside a coding, a
// folded line, a line that ends with half an end of line. RFC 9112 often lets a
// recipient repair such things. This package never repairs, with the single
// exception that Response.Parse names.
//
// How a connection is read:
//
//  1. SkipEmpty, then HeadEnd until it finds the blank line. The engine bounds
//     the bytes it waits for; Oversize is the verdict when they run out.
//  2. Parse on exactly those bytes. A Reject ends the connection: where the
//     next message would begin is not known any more.
//  3. The body: Length bytes, or Chunked.Next until done.
//
// What bites:
//
//   - Everything is a view. Fields, Path, chunk data and trailers live in the
//     caller's buffer and die when it is overwritten or moved.
//   - Field.Drop is advice to the one who writes the next hop's head. Fields of
//     framing (Content-Length) and of the forwarded family are not marked: the
//     proxy decides on them by ID.
//   - An absolute form without a Host field (HTTP/1.0) has its authority in
//     Request.Host alone; nothing in Fields tells the member.
//   - Length -1 without Chunked means no body for a request, and a body until
//     the connection closes for an answer (Response.UntilClose).
//   - Normalize is for matching. Its result must never be forwarded, and a rule
//     that keeps a path from a member must also hold in NormalizeSlashes when
//     HasHiddenSlash says that the two differ.
//   - Chunk data is handed out before the framing behind it has been seen. When
//     Next refuses later, the member has part of a body: close its connection
//     without the last chunk.
package http1
