using Microsoft.Extensions.DependencyInjection;
using Watari.Grains.Engine;
using Watari.Scripted;
using Watari.Silo.Hosting;

// The silo as it is, over VMs that exist in the file WATARI_WORLD alone. WATARI_PACE: milliseconds that each command takes.
string world = Environment.GetEnvironmentVariable("WATARI_WORLD") ?? throw new InvalidOperationException("WATARI_WORLD names no file.");
int pace = int.Parse(Environment.GetEnvironmentVariable("WATARI_PACE") ?? "0", System.Globalization.CultureInfo.InvariantCulture);
return await SiloHost.RunAsync(args, (services, options) => services.AddSingleton<IHostEngine>(new ScriptedEngine(options.Host, new ScriptedWorld(world))
{
    Before = (_, _, cancellationToken) => pace == 0 ? Task.CompletedTask : Task.Delay(pace, cancellationToken),
}));
