using Watari.Silo.Engine;
using Watari.Silo.Hosting;

return await SiloHost.RunAsync(args, static (services, options) => services.AddHostEngine(options));
