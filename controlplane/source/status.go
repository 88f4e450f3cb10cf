package source

import "time"

// Status is what a source says about itself.
type Status struct {
	Name string    // of the name or of the file
	Pool string    // whose members it finds
	Good time.Time // when it last said something that holds; zero: never
	Next time.Time // when it is looked at again at the latest; zero: unknown
	// Problem is why the newest look found nothing, "" when it was well. What
	// was found at Good holds meanwhile.
	Problem string
}

// after is time.After, replaced in tests.
type after func(time.Duration) <-chan time.Time
