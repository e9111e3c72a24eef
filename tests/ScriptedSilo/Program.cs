using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;
using Watari.Grains.Engine;
using Watari.Scripted;
using Watari.Silo.Hosting;

// The silo as it is, over VMs that exist in the file WATARI_WORLD alone. WATARI_PROBES: seconds that another silo may be silent for.
var world = new ScriptedWorld(Environment.GetEnvironmentVariable("WATARI_WORLD") ?? throw new InvalidOperationException("WATARI_WORLD names no file."));
string? probes = Environment.GetEnvironmentVariable("WATARI_PROBES");
return await SiloHost.RunAsync(args, (services, options) =>
{
    services.AddSingleton<IHostEngine>(new ScriptedEngine(options.Host, world)
    {
        Before = (command, container, cancellationToken) => ScriptedOrder.ObeyAsync(world, command, container, cancellationToken),
    });
    if (probes is null) return;
    var patience = TimeSpan.FromSeconds(int.Parse(probes, System.Globalization.CultureInfo.InvariantCulture));
    // After the silo's own configuration, which comes later than the engine's.
    services.PostConfigure<ClusterMembershipOptions>(o => (o.ProbeTimeout, o.MinProbeTimeout, o.MaxProbeTimeout) = (patience, patience, patience));
});
