package main

import (
	"runtime"
	"testing"

	"github.com/catherd/catherd/controlplane/config"
)

func TestLoopsLeaveRoomForOthers(t *testing.T) {
	had := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(had)
	for _, x := range []struct {
		engine, variable string
		loops, places    int
	}{
		{"std", "", 0, processors},
		{"epoll", "7", processors, processors}, // the runtime has followed it before us
		{"auto", "", processors, processors + beside},
		{"epoll", "", processors, processors + beside},
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
