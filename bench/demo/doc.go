// Demo is `make demo`: the reference cluster in miniature. It starts two Tomcats
// clustered as in the reference set-up (tomcat1 and tomcat2, AJP 8009 and 9009, HTTP 8080
// and 9080, BackupManager, group 228.0.0.4:45564), Catherd in front of them, says what to
// try, and takes everything down again on Ctrl-C.
//
// On Debian as root it installs tomcat10 and a JRE if they are missing. Where that is
// impossible it says so and uses the pretend Tomcats of bench/tomcat, inside its own
// process. Flags:
//
//	-check      ten requests with a cookie jar, kill the node, one more; exit 0 or 1
//	-pretend    the pretend Tomcats even where real ones could run
//	-any-ports  free ports instead of the reference's
//	-catherd    the program to run, bin/catherd by default
//
// What it must never do: leave a process behind, or stop one it did not start. The
// children carry PR_SET_PDEATHSIG, so they go even when the demo itself is killed.
//
// What bites: a Tomcat that ends is started again after 15 seconds, so that its return
// can be watched, too.
package main
