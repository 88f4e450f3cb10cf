package catalina

import (
	"fmt"
	"strings"
)

// Debian is the version name of the packaged tomcat10, used in place (/usr/share/tomcat10).
const Debian = "Debian"

// Versions are the releases the end-to-end tests run against, oldest first: the
// reference cluster's own and the last or a recent one of each later generation.
var Versions = []string{"7.0.109", "8.5.100", "9.0.100", "10.1.34", "11.0.18"}

// generation is the part of a version that decides what a configuration may contain.
type generation struct {
	seven bool // 7.0: dispatch interceptor, binder listener and Jasper listener of its own
}

func generationOf(version string) (generation, error) {
	if version == Debian {
		return generation{}, nil
	}
	for _, known := range []string{"7.0.", "8.5.", "9.0.", "10.1.", "11.0."} {
		if strings.HasPrefix(version, known) {
			return generation{seven: known == "7.0."}, nil
		}
	}
	return generation{}, fmt.Errorf("tomcat version %q: not of the generations 7.0, 8.5, 9.0, 10.1, 11.0", version)
}
