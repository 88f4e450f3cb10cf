package main

import (
	"runtime"
	"testing"

	"github.com/catherd/catherd/controlplane/config"
)

func TestShare(t *testing.T) {
	for _, x := range []struct {
		processors, cpus int
		fixed            bool
		loops, places    int
	}{
		{1, 1, false, 1, 3},
		{2, 2, false, 2, 4},
		{4, 4, false, 4, 6},
		{16, 16, false, 16, 24},
		{2, 64, false, 2, 4}, // a control group with a quota
		{1, 1, true, 1, 1},
		{1, 16, true, 1, 1},
		{2, 16, true, 2, 2},
		{16, 16, true, 16, 16},
		{8, 2, true, 2, 8}, // more than there are
	} {
		loops, places := share(x.processors, x.cpus, x.fixed)
		if loops != x.loops || places != x.places {
			t.Errorf("%+v: %d loops, %d places", x, loops, places)
		}
	}
}

func TestLoopsLeaveRoomForOthers(t *testing.T) {
	had := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(had)
	loops, places := share(processors, runtime.NumCPU(), false)
	for _, x := range []struct {
		engine, variable string
		loops, places    int
	}{
		{"std", "", 0, processors},
		{"epoll", "7", loops, processors}, // the runtime has followed it before us
		{"auto", "", loops, places},
		{"epoll", "", loops, places},
	} {
		runtime.GOMAXPROCS(processors)
		kind := engineOf(&config.Config{Engine: x.engine})
		for range 2 { // a second time adds nothing
			loops := loopsOf(kind, func(name string) string {
				return map[string]string{"GOMAXPROCS": x.variable}[name]
			})
			if places := runtime.GOMAXPROCS(0); loops != x.loops || places != x.places {
				t.Errorf("%s with GOMAXPROCS=%q: %d loops, %d places", x.engine, x.variable, loops, places)
			}
		}
	}
}
