/* The mini-program without WeChat's tool: the files of the real build run in a VM
 * with a stand-in for what WeChat puts around them (wx, App, Component). A page or
 * component is made as WeChat makes it, and what it handed to setData is read.
 * Layout is not tested here; that the built code boots, asks, and shows is. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import vm from 'node:vm';

export class MiniProgram {
  /** `respond(request)` gives [status, body, headers, cookies] or an Error. `speed`
   * shortens the program's waits (back-off, polling). */
  constructor(dir, { respond, storage = {}, ext = {}, language = 'zh_CN', speed = 1 }) {
    this.dir = dir;
    this.requests = [];
    this.storage = storage;
    this.titles = [];
    this.definitions = new Map();
    this.modules = new Map();
    this.pages = [];
    const program = this;

    const wx = {
      canIUse: () => false,
      getSystemInfoSync: () => system,
      getAppBaseInfo: () => ({ language, theme: 'light', SDKVersion: '3.5.0' }),
      getDeviceInfo: () => ({ platform: 'ios', brand: 'x', model: 'x', system: 'iOS 17' }),
      getWindowInfo: () => ({ windowWidth: 390, windowHeight: 800, pixelRatio: 2 }),
      getExtConfigSync: () => ext,
      getLaunchOptionsSync: () => ({ scene: 1001, path: '', query: {} }),
      getEnterOptionsSync: () => ({ scene: 1001, path: '', query: {} }),
      getStorageSync: (name) => program.storage[name] ?? '',
      setStorageSync: (name, value) => void (program.storage[name] = structuredClone(value)),
      removeStorageSync: (name) => void delete program.storage[name],
      setNavigationBarTitle: ({ title }) => void program.titles.push(title),
      onNetworkStatusChange() {},
      offNetworkStatusChange() {},
      onAppShow() {},
      onAppHide() {},
      nextTick: (run) => setTimeout(run, 0),
      request(options) {
        program.requests.push(options);
        setTimeout(async () => {
          const answer = await respond(options);
          if (answer instanceof Error) options.fail?.({ errMsg: `request:fail ${answer.message}` });
          else {
            const [statusCode, body, header = {}, cookies = []] = answer;
            options.success?.({ statusCode, data: JSON.stringify(body), header, cookies });
          }
          options.complete?.({});
        }, 0);
        return { abort() {} };
      },
    };
    const system = {
      language, platform: 'ios', SDKVersion: '3.5.0', theme: 'light',
      windowWidth: 390, windowHeight: 800, pixelRatio: 2, safeArea: {}, version: '8.0',
    };

    this.app = null;
    this.context = vm.createContext({
      wx,
      App: (options) => void (this.app = options),
      Component: (options) => void this.definitions.set(this.loading, options),
      Page: (options) => void this.definitions.set(this.loading, options),
      Behavior: (options) => options,
      getApp: () => this.app,
      getCurrentPages: () => this.pages,
      global: {},
      console,
      setTimeout: (run, ms = 0) => setTimeout(run, ms / speed),
      clearTimeout, setInterval, clearInterval, structuredClone,
    });
    this.require('app.js');
    // WeChat mixes its own into the App object before onLaunch.
    this.app.onLaunch?.({ scene: 1001, path: '', query: {} });
  }

  require(file) {
    const known = this.modules.get(file);
    if (known) return known.exports;
    const module = { exports: {} };
    this.modules.set(file, module);
    const outer = this.loading;
    this.loading = file.replace(/\.js$/, '');
    const run = vm.compileFunction(
      readFileSync(path.join(this.dir, file), 'utf8'),
      ['require', 'module', 'exports'],
      { filename: file, parsingContext: this.context },
    );
    const near = (name) => this.require(path.posix.join(path.posix.dirname(file), name));
    run(near, module, module.exports);
    this.loading = outer;
    return module.exports;
  }

  /** As WeChat does for <Component>: data, methods, lifetimes. `parent` is the
   * instance whose template holds it. */
  make(name, properties = {}, parent = null) {
    this.require(`${name}.js`);
    const definition = this.definitions.get(name);
    const instance = {
      is: name,
      route: parent ? undefined : name,
      properties,
      data: { ...structuredClone(definition.data ?? {}), ...properties },
      ...definition.methods,
      on: {},
      setData(data, done) {
        Object.assign(instance.data, structuredClone(data));
        done?.();
      },
      triggerEvent(type, detail) {
        if (type === '__l') parent?.__l({ detail }); // a page has none
        else instance.on[type]?.({ type, detail });
      },
      selectComponent: () => null,
      selectAllComponents: () => [],
      createSelectorQuery: () => ({}),
      definition,
    };
    definition.lifetimes.attached.call(instance);
    definition.lifetimes.ready?.call(instance);
    return instance;
  }

  openPage(route, query) {
    const page = this.make(route);
    this.pages.push(page);
    page.onLoad(query);
    page.onShow?.();
    page.onReady?.();
    return page;
  }

  closePage(page) {
    page.onUnload?.();
    page.definition.lifetimes.detached.call(page);
    this.pages = this.pages.filter((other) => other !== page);
  }

  wxml(instance) {
    return readFileSync(path.join(this.dir, `${instance.is}.wxml`), 'utf8');
  }

  /** The component instances that an instance's template makes, by tag, with the
   * properties and event handlers that its data gives them. Knows what this
   * client's templates use: names, or members of the item of a wx:for. */
  children(parent, tag) {
    const wxml = this.wxml(parent);
    const file = tag.split('-').map((part) => part[0].toUpperCase() + part.slice(1)).join('');
    const out = [];
    for (const [element] of wxml.matchAll(new RegExp(`<${tag} [^>]*>`, 'g'))) {
      const bound = (attribute) => new RegExp(`${attribute}="(?:\\{\\{)?([^"{}]*)`).exec(element)?.[1];
      const inLoop = bound('u-p')?.includes('.');
      const before = wxml.slice(0, wxml.indexOf(element));
      const loop = inLoop && [...before.matchAll(/wx:for="\{\{(\w+)\}\}"/g)].pop()[1];
      for (const scope of loop ? (parent.data[loop] ?? []) : [parent.data]) {
        const value = (expression) => expression && scope[expression.split('.').pop()];
        const uP = value(bound('u-p'));
        if (bound('u-p') && !uP) continue; // its wx:if is false
        const uI = inLoop ? value(bound('u-i')) : bound('u-i');
        const child = this.make(`components/${file}`, { uI, uP }, parent);
        for (const [, type, handler] of element.matchAll(/ bind(\w+)="\{\{([\w.]+)\}\}"/g)) {
          child.on[type] = (event) => parent[value(handler)](event);
        }
        out.push(child);
      }
    }
    return out;
  }

  /** A finger on the first element of the template that has this class. */
  tap(instance, className) {
    const element = [...this.wxml(instance).matchAll(/<\w[^>]*>/g)]
      .map((m) => m[0])
      .find((text) => text.includes(className) && text.includes('bindtap='));
    const handler = instance.data[/bindtap="\{\{(\w+)\}\}"/.exec(element)[1]];
    instance[handler]({ type: 'tap', detail: {}, target: { dataset: {} }, currentTarget: { dataset: {} } });
  }
}

/** Every text that an instance's data shows. */
export function texts(instance) {
  const out = [];
  const walk = (value) => {
    if (typeof value === 'string') out.push(value);
    else if (value && typeof value === 'object') Object.values(value).forEach(walk);
  };
  walk(instance.data);
  return out;
}

export async function until(condition, what) {
  for (let i = 0; i < 200; i++) {
    const value = condition();
    if (value) return value;
    await new Promise((done) => setTimeout(done, 10));
  }
  throw new Error(`never: ${what}`);
}
