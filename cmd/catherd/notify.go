package main

import (
	"context"
	"strconv"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// All of these do nothing without NOTIFY_SOCKET, and a lost notification is
// systemd's to time out: there is nobody else to tell.

// notifyReady tells systemd that clients are served (sd_notify(3)).
func notifyReady(sentence string) {
	_, _ = daemon.SdNotify(false, daemon.SdNotifyReady+"\nSTATUS="+sentence)
}

// notifyReloading begins a reload, which notifyReady ends. Units of
// Type=notify-reload want the time of the monotonic clock with it.
func notifyReloading() {
	_, _ = daemon.SdNotify(false, daemon.SdNotifyReloading+"\n"+daemon.SdNotifyMonotonicUsec())
}

// notifyHandedOver tells systemd which process the service is from now on. Both words
// are in one datagram, because what the new process says counts only after the first.
func notifyHandedOver(pid int, sentence string) {
	_, _ = daemon.SdNotify(false, "MAINPID="+strconv.Itoa(pid)+"\n"+daemon.SdNotifyReady+"\nSTATUS="+sentence)
}

func notifyStopping() { _, _ = daemon.SdNotify(false, daemon.SdNotifyStopping+"\nSTATUS=stopping") }

// watchdog keeps systemd's watchdog content and its status line true until ctx
// ends. The sentence is made by the controller: a controller that hangs feeds
// no watchdog.
func watchdog(ctx context.Context, sentence func() string) {
	interval, err := daemon.SdWatchdogEnabled(false)
	feed := err == nil && interval > 0
	every := 10 * time.Second
	if feed {
		every = min(every, interval/2)
	}
	for last := ""; pause(ctx, every); {
		now := sentence()
		state := ""
		if feed {
			state = daemon.SdNotifyWatchdog
		}
		if now != last {
			last = now
			state += "\nSTATUS=" + now
		}
		if state != "" {
			_, _ = daemon.SdNotify(false, state)
		}
	}
}
