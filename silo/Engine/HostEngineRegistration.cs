using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Watari.Grains.Engine;
using Watari.Silo.Engine.Vms;
using Watari.Silo.Hosting;

namespace Watari.Silo.Engine;

internal static class HostEngineRegistration
{
    /// <summary>The engine that works on the VMs under the host's run directory.</summary>
    public static IServiceCollection AddHostEngine(this IServiceCollection services, SiloOptions silo)
    {
        services.AddSingleton(TimeProvider.System);
        services.AddOptions<HostEngineOptions>().Configure(options =>
        {
            options.Host = silo.Host;
            options.VmDirectory = Path.Combine(silo.RunDirectory, silo.Host, "vms");
            options.TransferListen = new IPEndPoint(silo.Address, silo.TransferPort);
        });
        services.AddSingleton<HostEngine>().AddSingleton<IHostEngine>(provider => provider.GetRequiredService<HostEngine>());
        return services.AddHostedService<AbandonedVms>();
    }
}
