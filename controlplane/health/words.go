package health

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// failed is the sample of a step that met a network fault.
func failed(step string, err error, limit time.Duration) Sample {
	return Sample{Text: words(step, err, limit), Fail: kindOf(err)}
}

// kindOf sorts network faults by what they prove.
func kindOf(err error) Fail {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return Refused
	case late(err):
		return Late
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Closed
	}
	return Odd
}

func late(err error) bool {
	var name *net.DNSError // a slow name server says nothing about the member
	return !errors.As(err, &name) &&
		(errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || isTimeout(err))
}

// words says what a network fault means, without addresses: the reader knows
// which member is spoken of. step is what was being done ("connect"), limit
// the time it had.
func words(step string, err error, limit time.Duration) string {
	var (
		name *net.DNSError
		alrt tls.AlertError
		cert *tls.CertificateVerificationError
		rec  tls.RecordHeaderError
	)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return step + " refused"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return step + ": no way to the host"
	case errors.As(err, &name) && name.IsNotFound:
		return fmt.Sprintf("host name %q not found", name.Name)
	case errors.As(err, &name):
		return fmt.Sprintf("host name %q: no answer from the name server", name.Name)
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return fmt.Sprintf("%s: no answer within %s", step, limit)
	case errors.As(err, &cert):
		return step + ": certificate not accepted: " + cert.Err.Error()
	case errors.As(err, &rec):
		return step + ": the port does not speak TLS"
	case errors.As(err, &alrt):
		return step + ": TLS refused: " + alrt.Error()
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return step + ": connection reset"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return step + ": connection closed without an answer"
	case errors.Is(err, net.ErrClosed), errors.Is(err, context.Canceled):
		return step + ": given up"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return step + ": this process has no file descriptors left"
	default:
		return step + ": " + err.Error()
	}
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}
