import { createSSRApp } from 'vue';
import App from './App.vue';

// uni-app calls this once for each platform; the name is its convention.
export function createApp() {
  return { app: createSSRApp(App) };
}
