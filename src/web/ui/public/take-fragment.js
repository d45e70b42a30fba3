// The first thing that the page does: what came behind the "#" (a ticket, a sign-in code) leaves the address bar
// before anything else is loaded, and waits here for the app, which takes it and deletes it.
window.portholeFragment = location.hash.slice(1);
history.replaceState(null, "", location.pathname + location.search);
