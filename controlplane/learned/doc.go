// Package learned keeps the jvmRoutes that members have shown in their session
// cookies, so that sessions find their member at once when the process is started
// again: until then the routes of members that the file gives none were known
// from the first new session only, and the old ones went to anybody.
//
// Where things are: learned.go has the pure core (who stays in a list that must
// not grow for ever), file.go keeps it in a file beside that of the overrides.
//
// The controller is the only caller. It writes off its loop, one file after the other,
// and again with each tick as long as that fails. compile reads what it keeps.
//
// What it must never do: be believed against a member. What is read from the file
// is a hint, and the first session that the member begins is worth more; see
// meter.Member.Hint.
//
// What bites:
//
//   - A member is known by its table.ID, which has its address: another machine
//     of the same name has another jvmRoute.
//   - Members that are not there keep their entry for a while. One that is found
//     by its heartbeats comes back after the restart of either side.
//   - Unlike a file of overrides, one that cannot be read stops nothing. It is
//     reported and replaced: all that is in it is learned again.
package learned
