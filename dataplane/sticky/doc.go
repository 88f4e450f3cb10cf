// Package sticky finds the session of a request and the route it belongs to.
//
// The proxy calls Find with the Cookie fields and the raw path; balance.Pick
// then looks at the route. ReadSetCookie reads the other direction, so that the
// route of a member can be learned from the sessions it begins, and a session
// that it ends is known; the probes of the control plane use it as well.
//
// A Tomcat session id is "32 hex digits" "." "jvmRoute". The route is what
// follows the first dot: mod_jk, mod_proxy (its default separator) and Tomcat's
// own JvmRouteBinderValve all cut there, and a jvmRoute such as "node.a" is
// legal. Session ids with a dot of their own do exist, from custom generators;
// therefore, when no member has that route but one has what follows the last
// dot, the latter is taken. The option LastDot turns the order round. Neither
// guess can do harm: only routes of real members win this way.
//
// A browser may send several cookies of one name, for different paths, longest
// path first (RFC 6265 section 5.4). Looking only at the first, a stale cookie of
// another application hides the living one. Find tries all of them and takes
// the first whose member lives. A cookie beats a path parameter, as in Tomcat's
// CoyoteAdapter; names of both are compared exactly, letter case included, as
// Tomcat and mod_jk do.
//
// The package must never allocate, keep the slices it was given beyond the
// result, decide anything about members, or fail: what cannot be understood
// is no session.
//
// What bites: all results are views of the request's buffer. Quotes around a
// value are taken off, a semicolon always ends it (RFC 6265 section 5.4; Tomcat
// 8.5 and later do the same), even inside quotes.
package sticky
