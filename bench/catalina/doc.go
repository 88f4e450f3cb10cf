// Package catalina runs real Tomcats: it fetches a release, writes a CATALINA_BASE like
// the one in the reference cluster, starts the server with plain java, and can stop,
// kill or freeze it. The end-to-end tests and the demo call it; nothing that ships does.
//
// Every generation the reference cluster has lived through is in Versions, and Debian
// names the packaged tomcat10. New picks free ports, so that many farms can run side by
// side; clusters that must not hear each other need different multicast ports, which
// FreeGroup hands out. The web application in webapp/ is JSP only, because one set of
// pages then works in javax and jakarta containers without a compiler on the machine.
//
// The cache of downloads is $CATHERD_CACHE, by default .cache/tomcat in the repository.
//
// What it must never do: touch a Tomcat it did not start, or listen outside 127.0.0.0/8
// unless Options.Address says so.
//
// What bites:
//   - A CPING is answered only after the applications are deployed, long after the port
//     accepts connections. Start waits for it.
//   - A connector without a secret where one is required does not start, yet its port
//     stays bound and silent. Options.NoAJP keeps Start from waiting for such a one.
//   - MessageDispatch15Interceptor and JvmRouteSessionIDBinderListener of the reference
//     exist in 7.0 only; a later Tomcat that meets them refuses to start.
//   - JSPs answer 405 to PUT, DELETE and the like. That answer proves that the method
//     arrived, no more.
//   - The JVM dies with the process that started it (PR_SET_PDEATHSIG), so a crashed test
//     leaves nothing behind.
package catalina
