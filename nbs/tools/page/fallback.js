// Opened as a file, a browser loads no modules; then this is all that runs.
if (location.protocol === "file:") {
  document.getElementById("status").textContent =
    "Opened as a file, the page cannot load its model. Run “python -m http.server” in this folder and open http://localhost:8000.";
}
