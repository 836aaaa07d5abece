// Before the first paint: the theme and language that were chosen here, so that nothing flashes.
;(function () {
  const root = document.documentElement
  let settings = {}
  try {
    settings = JSON.parse(localStorage.getItem('hearth.settings')) || {}
  } catch {
    // Nothing is kept here; the system's own theme and language it is.
  }
  if (settings.theme === 'light' || settings.theme === 'dark') root.dataset.theme = settings.theme
  root.lang = settings.language || (/^ru\b/i.test(navigator.language) ? 'ru' : 'en')
})()
