/* Warns in JupyterLab before a server with a time limit ends.
 *
 * Written by hand as the module that JupyterLab's loader expects (a webpack container: `init` and `get`), so
 * that it needs no build. A job that ends puts `serverEndsAt` (seconds since 1970) into the page's configuration
 * (shared/time_limit.py); a server without a limit has none, and this does nothing.
 */
(() => {
  const WARN_BEFORE_S = [30 * 60, 10 * 60, 2 * 60];
  let shared;

  /** A package that JupyterLab shares with its extensions. */
  async function load(name) {
    const versions = Object.values(shared[name] ?? {});
    if (!versions.length) throw new Error(`autograder-time-limit: JupyterLab does not share ${name}`);
    return (await versions[0].get())();
  }

  async function tell() {
    const { PageConfig } = await load('@jupyterlab/coreutils');
    const { Notification } = await load('@jupyterlab/apputils');
    const endsAt = Number(PageConfig.getOption('serverEndsAt'));
    if (!endsAt) return;
    const clock = new Date(endsAt * 1000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
    Notification.info(`This server ends at ${clock}. Save your work before; files stay.`, { autoClose: 8000 });
    for (const before of WARN_BEFORE_S) {
      const waitMs = (endsAt - before) * 1000 - Date.now();
      if (waitMs < 0) continue;
      setTimeout(() => {
        Notification.warning(
          `This server ends in ${before / 60} minutes, at ${clock}. Save now; running cells are lost.`,
          { autoClose: false }
        );
      }, waitMs);
    }
  }

  // Earlier a notification would be counted and not shown; awaiting it here would hold JupyterLab's start up.
  const activate = app => { app.restored.then(tell); };
  const plugin = { id: 'autograder-time-limit:plugin', autoStart: true, activate };
  const module = { __esModule: true, default: plugin };

  window._JUPYTERLAB = window._JUPYTERLAB ?? {};
  window._JUPYTERLAB['autograder-time-limit'] = {
    init: scope => { shared = scope; },
    get: async () => () => module
  };
})();
