// Package enginetest sets up a data plane for tests: a table with sensible
// values, an engine on a free loopback port, and a client that speaks bytes.
// Tests of the data path use it; nothing else does.
package enginetest
