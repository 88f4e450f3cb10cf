// Package scenario runs the text scenarios of the control plane's tests:
// files that show input and expected output together.
//
// A line that begins with "> " is a command, the lines below it up to the
// next command are what it is expected to print. Blank lines and lines that
// begin with "#" are for the reader. With -rewrite the expected lines are
// replaced by what was printed; commit such a change only when every line of
// it is understood.
//
// Only tests import it. It knows nothing of what it runs.
package scenario
