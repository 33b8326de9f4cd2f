// Lets node run the console's TypeScript: types are stripped by Vite's own compiler.
import { register } from 'node:module';
register('./ts-hooks.mjs', import.meta.url);
