namespace Watari.Hypervisor.Tests;

public sealed class QemuCommandLineTests : IDisposable
{
    private readonly TemporaryDirectory _image = new();

    public QemuCommandLineTests()
    {
        foreach (string file in (string[])["disk.raw", "vmlinuz", "initrd.img"]) File.WriteAllBytes(Path.Combine(_image.Path, file), []);
    }

    public void Dispose() => _image.Dispose();

    [Fact]
    public void A_VM_shares_its_RAM_names_itself_to_its_guest_and_has_no_network()
    {
        string line = Build(new VmSpec { Name = "web-1", MemoryMiB = 768, Vcpus = 2, Accelerator = Accelerator.Tcg });

        Assert.Contains("-object memory-backend-memfd,id=ram,size=768M,share=on", line, StringComparison.Ordinal);
        Assert.Contains("-machine q35,memory-backend=ram -accel tcg,thread=single -cpu max,-cx16 -smp 2 -m 768M", line, StringComparison.Ordinal);
        Assert.Contains("-append root=/dev/vda rw console=ttyS0 panic=-1 watari.name=web-1 quiet", line, StringComparison.Ordinal);
        Assert.Contains("name=org.watari.agent.0", line, StringComparison.Ordinal);
        Assert.Contains("-nodefaults", line, StringComparison.Ordinal);
        Assert.DoesNotContain("net", line, StringComparison.Ordinal);
        Assert.DoesNotContain("-incoming", line, StringComparison.Ordinal);
    }

    [Fact]
    public void Under_KVM_the_guest_gets_the_hosts_processor() =>
        Assert.Contains("-accel kvm -cpu host", Build(new VmSpec { Name = "a", Accelerator = Accelerator.Kvm }), StringComparison.Ordinal);

    [Fact]
    public void A_CPU_model_may_be_chosen() =>
        Assert.Contains("-cpu Nehalem,-popcnt -smp", Build(new VmSpec { Name = "a", Cpu = "Nehalem,-popcnt" }), StringComparison.Ordinal);

    [Fact]
    public void A_VM_for_a_saved_state_differs_only_in_that_it_waits()
    {
        var spec = new VmSpec { Name = "a", Accelerator = Accelerator.Tcg };

        Assert.Equal(Build(spec) + " -incoming defer", Build(spec, incoming: true));
    }

    [Fact]
    public void RAM_may_be_QEMUs_own_under_the_name_that_a_saved_state_knows() =>
        Assert.Contains("-object memory-backend-ram,id=ram,size=512M,share=off", Build(new VmSpec { Name = "a", PrivateRam = true }), StringComparison.Ordinal);

    [Fact]
    public void A_comma_in_a_path_does_not_end_the_option() =>
        Assert.Contains("path=/run/a,,b/qmp.sock,server=on", Build(new VmSpec { Name = "a" }, directory: "/run/a,b"), StringComparison.Ordinal);

    private string Build(VmSpec spec, bool incoming = false, string directory = "/run/vm") =>
        string.Join(' ', QemuCommandLine.Build(spec, GuestImage.Open(_image.Path), new VmDirectory(directory), incoming));
}
