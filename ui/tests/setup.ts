import '@testing-library/jest-dom/vitest'

// jsdom lays nothing out: there is no size whose change could be told.
globalThis.ResizeObserver ??= class {
  observe() {}
  unobserve() {}
  disconnect() {}
}
