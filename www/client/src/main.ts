import { createSSRApp } from 'vue';
import App from './App.vue';
// #ifdef H5
import LoadFailed from './components/LoadFailed.vue';
// #endif

// uni-app calls this once for each platform; the name is its convention.
export function createApp() {
  const app = createSSRApp(App);
  // #ifdef H5
  app.component('LoadFailed', LoadFailed); // named in manifest.json
  // #endif
  return { app };
}
