package bpf

import (
	"encoding/binary"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/bpf/internal/kern"
)

// What a datagram of Tomcat's McastService looks like: it begins with
// "TRIBES-B" (a heartbeat) or "FLT2002" (messages broadcast to the group), and
// no member package is shorter than 24 bytes of frame and 49 of fields.
const (
	udpHeader = 8
	shortest  = udpHeader + 24 + 49
	longest   = 1<<16 - 1
	passedAt  = 0 // offsets of the counters in the map's only value
	droppedAt = 8
)

// MemberFilter is a program on a socket that lets only pass what can be a
// datagram of a Tomcat group. It stays on the socket until that is closed.
type MemberFilter struct {
	program *ebpf.Program
	counts  *ebpf.Map
}

// AttachMemberFilter puts the filter on a datagram socket. An error matches
// ErrPermission or ErrUnsupported where that is the reason; the socket is as
// before then.
func AttachMemberFilter(fd int) (*MemberFilter, error) {
	counts, err := ebpf.NewMap(&ebpf.MapSpec{Name: "catherd_members", Type: ebpf.Array, KeySize: 4, ValueSize: 16, MaxEntries: 1})
	if err != nil {
		return nil, kern.Explain("make the counters of the member filter", err)
	}
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name:         "catherd_members",
		Type:         ebpf.SocketFilter,
		License:      "Apache-2.0",
		Instructions: memberProgram(counts.FD()),
	})
	if err != nil {
		counts.Close()
		return nil, kern.Explain("load the member filter", err)
	}
	f := &MemberFilter{program: program, counts: counts}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ATTACH_BPF, program.FD()); err != nil {
		f.Close()
		return nil, kern.Explain("attach the member filter", err)
	}
	return f, nil
}

// memberProgram returns the filter. It keeps the context in R6, where the
// loads from the packet expect it, and the packet's length in R7.
func memberProgram(counts int) asm.Instructions {
	word := func(s string) int32 { return int32(binary.BigEndian.Uint32([]byte(s))) }
	half := func(s string) int32 { return int32(binary.BigEndian.Uint16([]byte(s))) }
	return asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.LoadMem(asm.R7, asm.R6, 0, asm.Word), // __sk_buff.len
		// Loads beyond the end would end the program uncounted.
		asm.JLT.Imm(asm.R7, shortest, "drop"),
		asm.JGT.Imm(asm.R7, longest, "drop"),

		asm.LoadAbs(udpHeader, asm.Word),
		asm.JEq.Imm(asm.R0, word("FLT2"), "frame"),
		asm.JNE.Imm(asm.R0, word("TRIB"), "drop"),
		asm.LoadAbs(udpHeader+4, asm.Word),
		asm.JNE.Imm(asm.R0, word("ES-B"), "drop"),
		asm.Ja.Label("pass"),

		asm.LoadAbs(udpHeader+4, asm.Half).WithSymbol("frame"),
		asm.JNE.Imm(asm.R0, half("00"), "drop"),
		asm.LoadAbs(udpHeader+6, asm.Byte),
		asm.JNE.Imm(asm.R0, '2', "drop"),

		asm.LoadMapValue(asm.R1, counts, passedAt).WithSymbol("pass"),
		asm.Mov.Imm(asm.R2, 1),
		asm.StoreXAdd(asm.R1, asm.R2, asm.DWord),
		asm.Mov.Imm(asm.R0, -1), // keep every byte
		asm.Return(),

		asm.LoadMapValue(asm.R1, counts, droppedAt).WithSymbol("drop"),
		asm.Mov.Imm(asm.R2, 1),
		asm.StoreXAdd(asm.R1, asm.R2, asm.DWord),
		asm.Mov.Imm(asm.R0, 0),
		asm.Return(),
	}
}

// Counts returns how many datagrams the filter has let pass and refused.
func (f *MemberFilter) Counts() (passed, dropped uint64, err error) {
	var v [2]uint64
	if err := f.counts.Lookup(uint32(0), &v); err != nil {
		return 0, 0, kern.Explain("read the counters of the member filter", err)
	}
	return v[0], v[1], nil
}

// Dropped returns how many datagrams the filter has refused, 0 when that
// cannot be read.
func (f *MemberFilter) Dropped() uint64 {
	_, dropped, err := f.Counts()
	if err != nil {
		return 0
	}
	return dropped
}

// Close gives the handles back. The filter goes with its socket.
func (f *MemberFilter) Close() error {
	f.program.Close()
	return f.counts.Close()
}
