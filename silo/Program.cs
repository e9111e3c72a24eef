using Watari.Silo.Hosting;

return await SiloHost.RunAsync(args, static (_, _) => { });
