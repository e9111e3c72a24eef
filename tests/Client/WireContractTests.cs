using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json.Serialization;
using Watari.GrainInterfaces;
using Watari.Grains;

namespace Watari.Client.Tests;

/// <summary>
/// What goes over the wire between silos and consoles of different versions, and what is stored by one and read by the next: names and
/// numbers that may be added to and never be used again for something else.
/// </summary>
public sealed class WireContractTests
{
    private static readonly Type[] Types = [.. new[] { typeof(JobId).Assembly, typeof(GrainsExtensions).Assembly }
        .SelectMany(assembly => assembly.GetTypes())
        .Where(type => !type.IsDefined(typeof(System.CodeDom.Compiler.GeneratedCodeAttribute)))
        .OrderBy(type => type.FullName, StringComparer.Ordinal)];

    [Fact]
    public void messages_by_their_aliases_and_ids()
    {
        var text = new StringBuilder();
        foreach (Type type in Types.Where(t => t.IsDefined(typeof(GenerateSerializerAttribute))))
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"{Alias(type)}{(type.BaseType is { } parent && parent.IsDefined(typeof(AliasAttribute), inherit: false) ? $" : {Alias(parent)}" : "")}");
            if (type.IsEnum)
            {
                foreach (object value in Enum.GetValues(type)) text.AppendLine(CultureInfo.InvariantCulture, $"    {Convert.ToInt64(value, CultureInfo.InvariantCulture)} {value}");
                continue;
            }

            foreach (PropertyInfo member in Members(type).OrderBy(Id)) text.AppendLine(CultureInfo.InvariantCulture, $"    {Id(member)} {member.Name} {Name(member.PropertyType)}");
        }

        Golden.Assert("wire/messages.txt", text.ToString());
    }

    [Fact]
    public void grains_by_their_aliases_and_methods()
    {
        var text = new StringBuilder();
        foreach (Type grain in Types.Where(t => t.IsInterface && t.IsAssignableTo(typeof(IGrain))))
        {
            text.AppendLine(Alias(grain));
            foreach (MethodInfo method in grain.GetMethods().OrderBy(Alias, StringComparer.Ordinal))
            {
                string parameters = string.Join(", ", method.GetParameters().Where(p => p.ParameterType != typeof(CancellationToken)).Select(p => $"{Name(p.ParameterType)} {p.Name}"));
                string within = method.GetCustomAttribute<ResponseTimeoutAttribute>()?.Timeout?.ToString("c", CultureInfo.InvariantCulture) ?? "-";
                text.AppendLine(CultureInfo.InvariantCulture, $"    {Alias(method)}({parameters}) {Name(method.ReturnType)} within {within}");
            }
        }

        foreach (Type grain in Types.Where(t => t.IsClass && t.IsAssignableTo(typeof(Grain))))
        {
            string type = grain.GetCustomAttribute<GrainTypeAttribute>()!.GetGrainType(null!, null!).ToString()!;
            string states = string.Join(", ", grain.GetConstructors().Single().GetParameters()
                .Where(p => p.IsDefined(typeof(PersistentStateAttribute)))
                .Select(p => $"{p.GetCustomAttribute<PersistentStateAttribute>()!.StateName} {Name(p.ParameterType.GetGenericArguments()[0])}"));
            text.AppendLine(CultureInfo.InvariantCulture, $"{type} stores {(states.Length == 0 ? "nothing" : states)}");
        }

        Golden.Assert("wire/grains.txt", text.ToString());
    }

    /// <summary>State is stored as JSON, member by member.</summary>
    [Fact]
    public void stored_state_by_its_members()
    {
        var text = new StringBuilder();
        var described = new HashSet<Type>();
        var open = new Queue<Type>(Types
            .Where(t => t.IsAssignableTo(typeof(Grain)))
            .SelectMany(t => t.GetConstructors().Single().GetParameters())
            .Where(p => p.IsDefined(typeof(PersistentStateAttribute)))
            .Select(p => p.ParameterType.GetGenericArguments()[0]));
        while (open.TryDequeue(out Type? type))
        {
            if (!described.Add(type) || type.IsEnum) continue;
            text.AppendLine(Name(type));
            foreach (PropertyInfo member in type.GetProperties().Where(p => !p.IsDefined(typeof(JsonIgnoreAttribute)) && p.GetIndexParameters().Length == 0).OrderBy(p => p.Name, StringComparer.Ordinal))
            {
                text.AppendLine(CultureInfo.InvariantCulture, $"    {member.Name} {Name(member.PropertyType)}");
                foreach (Type part in Parts(member.PropertyType).Where(Types.Contains)) open.Enqueue(part);
            }
        }

        Golden.Assert("wire/stored.txt", text.ToString());
    }

    [Fact]
    public void whatever_goes_over_the_wire_has_an_alias_and_ids_that_differ()
    {
        foreach (Type type in Types.Where(t => t.IsDefined(typeof(GenerateSerializerAttribute))))
        {
            Assert.True(type.IsDefined(typeof(AliasAttribute), inherit: false), type.Name);
            Assert.Equal(Members(type).Select(Id).Distinct().Count(), Members(type).Count());
        }
    }

    private static IEnumerable<PropertyInfo> Members(Type type) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly).Where(p => p.IsDefined(typeof(IdAttribute)));

    private static uint Id(PropertyInfo member) => member.GetCustomAttribute<IdAttribute>()!.Id;

    /// <summary>Its own: what it inherits from is written under another.</summary>
    private static string Alias(MemberInfo member) => member.GetCustomAttribute<AliasAttribute>(inherit: false)?.Alias ?? $"NO ALIAS {member.Name}";

    private static IEnumerable<Type> Parts(Type type) =>
        type.IsGenericType ? type.GetGenericArguments().SelectMany(Parts) : [type];

    private static string Name(Type type)
    {
        if (Nullable.GetUnderlyingType(type) is { } value) return $"{Name(value)}?";
        if (!type.IsGenericType) return type.Name;
        return $"{type.Name.Split('`')[0]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>";
    }
}
