// @ts-check
// Pages with a security key: says it where the browser or the key refuses.
document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  document.getElementById("key-failed")?.removeAttribute("hidden");
});
