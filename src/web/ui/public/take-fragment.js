// The first thing that the page does: what came behind the "#" (a ticket, a sign-in code) leaves the address bar
// before anything else is loaded, and waits here for the app, which takes it and deletes it. OpenStack's portals put
// the ticket into the query, as `token` or at the end of noVNC's `path`, and a title beside it: they leave it as well.
{
  const query = new URLSearchParams(location.search);
  const behindPath = new URLSearchParams((query.get("path") ?? "").replace(/^[^?]*\??/, ""));
  const ticket = query.get("token") ?? behindPath.get("token");
  const fragment = location.hash.slice(1);
  window.portholeFragment =
    fragment === "" && ticket !== null ? new URLSearchParams({ token: ticket }).toString() : fragment;
  for (const name of ["token", "path", "title"]) query.delete(name);
  const rest = query.toString() === "" ? "" : `?${query}`;
  history.replaceState(null, "", location.pathname + rest);
}
