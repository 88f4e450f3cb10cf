package steering

import "github.com/catherd/catherd/bpf/steer"

// The modes: how much the steering is wanted.
const (
	Auto    = "auto"    // where it can be had
	Require = "require" // or nothing is served
	Never   = "never"
)

// Plan is what is wanted, by the words of the file.
type Plan struct {
	Mode   string // Auto, Require, Never; "" is Auto
	Policy string // auto, least-loaded, hash, cpu; "" is auto
	Why    string // what decided on Never, for people
}

// policy is what the kernel is told. Auto takes the least loaded: an acceptor that is
// held up gets nothing more then, and with acceptors that are all alike it is as good
// as a hash.
func (p Plan) policy() steer.Policy {
	for _, x := range []steer.Policy{steer.PolicyHash, steer.PolicyCPU} {
		if p.Policy == x.String() {
			return x
		}
	}
	return steer.PolicyLeastLoaded
}
