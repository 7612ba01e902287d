//! Properties declared once, in a table. [`properties!`](crate::properties) makes functions that return them,
//! the roster of all, and a test for each. [`fuzz`](crate::fuzz) makes fuzz targets of the roster.

/// Turns a table of properties into functions that return them, their roster, and a test for each.
///
/// A row gives a property its promise, which is its doc comment, its name, the type of its inputs, and its
/// check. The check is a function or a closure that takes the input by reference. If it sees something else
/// than what is claimed, it returns that as a [`String`]. A row may also have
///
/// - `* 10_000`: how many inputs the tests try it on, instead of 100;
/// - `[L1 L2]`: the rules of a specification that it covers, by their ids;
/// - `where "full" >= 5 %, "empty" >= 1 %`: the least shares of [classes](crate::classes) among the inputs.
///
/// The macro makes, where it is called:
///
/// - for each row a function of that name, which returns the [`Property`](crate::property::Property);
/// - `roster()`, which returns all of them, in the order of the table;
/// - for the tests alone, a module `quickcheck` with a test for each, as
///   [`Property::test`](crate::property::Property::test) tries it.
///
/// ```
/// use statecheck::classes::label;
/// use statecheck::trace::{Trace, TraceCommand};
///
/// /// What is sorted.
/// #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, statecheck::arbitrary::Arbitrary)]
/// pub struct Number(u8);
///
/// impl TraceCommand for Number {}
///
/// statecheck::properties! {
///     /// A list that is sorted
///     /// is as long as before.
///     sorting_keeps_the_length(Trace<Number>) * 1_000 [S1 S2] where "long" >= 20 % = keeps_the_length;
///     /// No list is too long.
///     lists_are_bounded(Trace<Number>) = |list| (list.0.len() <= 200).then_some(()).ok_or(String::new());
/// }
///
/// fn keeps_the_length(list: &Trace<Number>) -> Result<(), String> {
///     if list.0.len() > 10 {
///         label("long");
///     }
///     let mut sorted = list.0.clone();
///     sorted.sort_unstable();
///     sorted.dedup();
///     if sorted.len() == list.0.len() {
///         return Ok(());
///     }
///     Err(format!("{} became {}", list.0.len(), sorted.len()))
/// }
///
/// # fn main() {
/// let [property, _] = &roster()[..] else { panic!("a property for each row") };
/// assert_eq!(property.promise, "A list that is sorted is as long as before.");
/// assert_eq!((property.rules, property.shares), (&["S1", "S2"][..], &[("long", 20.0)][..]));
/// // It is not: numbers that occur twice are dropped.
/// let violation = property.quickcheck(property.cases, 1).unwrap_err();
/// assert_eq!(violation.what, "2 became 1");
/// # }
/// ```
///
/// # Checks in modules, and properties of any machine
///
/// In the other form of a table, each row names a module. The function in it that has the row's name checks
/// the property: `module::name(Input) * 100 [];`. The number and the rules are always there, and a promise is
/// one line.
///
/// Some claims are about every machine of a kind. The head of such a table has three parts: the trait of such
/// a machine, the machine of these rows, and a function that returns the rows for another machine. The rows
/// name the machine after `for any`. Their functions take two arguments: a function that returns a fresh
/// machine, and the input.
///
/// ```
/// # use std::convert::Infallible;
/// use statecheck::StateMachine;
/// use statecheck::trace::{Trace, TraceCommand};
///
/// mod counting {
///     # use statecheck::StateMachine;
///     # use statecheck::trace::Trace;
///     pub(crate) fn counts_never_fall<M: super::Counter>(
///         fresh: impl Fn() -> M,
///         trace: &Trace<super::Tick>,
///     ) -> Result<(), String> {
///         let (mut counter, mut last) = (fresh(), 0);
///         for tick in &trace.0 {
///             let Ok(count) = counter.apply(tick);
///             if count < last {
///                 return Err(format!("{count} came after {last}"));
///             }
///             last = count;
///         }
///         Ok(())
///     }
/// }
///
/// # #[derive(Debug, Clone, statecheck::arbitrary::Arbitrary)]
/// # pub struct Tick;
/// # impl TraceCommand for Tick {}
/// # #[derive(Default)]
/// # pub struct Wide(u64);
/// # impl StateMachine for Wide {
/// #     type Command = Tick;
/// #     type Reply = u64;
/// #     type Error = Infallible;
/// #     fn apply(&mut self, _: &Tick) -> Result<u64, Infallible> {
/// #         self.0 += 1;
/// #         Ok(self.0)
/// #     }
/// # }
/// pub trait Counter: StateMachine<Command = Tick, Reply = u64, Error = Infallible> {}
/// # impl Counter for Wide {}
///
/// statecheck::properties! {
///     any M: Counter = Wide::default => {
///         /// What every counter promises.
///         pub fn counter_properties
///     }
///
///     /// A count never falls.
///     counting for any M::counts_never_fall(Trace<Tick>) * 100 [];
/// }
///
/// # fn main() {
/// # #[derive(Default)]
/// # struct Narrow(u8);
/// # impl StateMachine for Narrow {
/// #     type Command = Tick;
/// #     type Reply = u64;
/// #     type Error = Infallible;
/// #     fn apply(&mut self, _: &Tick) -> Result<u64, Infallible> {
/// #         self.0 = (self.0 + 1) % 16;
/// #         Ok(u64::from(self.0))
/// #     }
/// # }
/// # impl Counter for Narrow {}
/// assert_eq!(counts_never_fall().quickcheck(100, 1), Ok(()));
/// // Another counter, which begins again after 15.
/// let violation = counter_properties(Narrow::default)[0].quickcheck(100, 1).unwrap_err();
/// assert_eq!(violation.what, "0 came after 15");
/// # }
/// ```
#[macro_export]
macro_rules! properties {
    (any $subject:ident: $bound:path = $fresh:expr => { $(#[$doc:meta])* $vis:vis fn $list:ident }
        $($rows:tt)*) => {
        $crate::properties!(@functions [$fresh] $($rows)*);
        $crate::properties!(@list $subject [$bound] [$(#[$doc])* $vis fn $list] $($rows)*);
    };
    (@functions $fresh:tt $(
        #[doc = $promise:literal]
        $module:ident $(for any $machine:ident)? :: $name:ident($input:ty) * $cases:literal $rules:tt
            $(where $($class:literal >= $share:literal %),+)?;
    )*) => {
        $(
            #[doc = $promise]
            #[must_use]
            pub fn $name() -> $crate::property::Property {
                $crate::properties!(@row [$promise], $name($input) [$cases] $rules [$($($class $share)+)?],
                    $crate::properties!(@check $fresh $module $name $($machine)?))
            }
        )*

        $crate::properties!(@roster $($name)*);
    };
    (@roster $($name:ident)*) => {
        /// Every property of the table, in its order.
        #[must_use]
        pub fn roster() -> ::std::vec::Vec<$crate::property::Property> {
            ::std::vec![$($name()),*]
        }

        #[cfg(test)]
        mod quickcheck {
            $(
                #[test]
                fn $name() {
                    super::$name().test();
                }
            )*
        }
    };
    (@list $subject:ident [$bound:path] [$($head:tt)*] $(
        #[doc = $promise:literal]
        $module:ident $(for any $machine:ident)? :: $name:ident($input:ty) * $cases:literal $rules:tt
            $(where $($class:literal >= $share:literal %),+)?;
    )*) => {
        $($head)*<$subject: $bound + 'static>(
            fresh: impl Fn() -> $subject + Clone + 'static,
        ) -> ::std::vec::Vec<$crate::property::Property> {
            let mut properties = ::std::vec::Vec::new();
            $($(
                let _any: Option<$machine> = None;
                let fresh_one = fresh.clone();
                properties.push($crate::properties!(@row [$promise], $name($input) [$cases] $rules
                    [],
                    move |input: &$input| $module::$name(&fresh_one, input)));
            )?)*
            properties
        }
    };
    (@row [$($promise:literal)+], $name:ident($input:ty) [$($cases:literal)?] [$($rule:ident)*]
        [$($class:literal $share:literal)*], $check:expr) => {{
        let mut property = $crate::property::Property::new::<$input>(
            stringify!($name),
            concat!($($promise),+).trim_ascii(),
            $check,
        );
        property.rules = &[$(stringify!($rule)),*];
        property.shares = &[$(($class, $share as f64)),*];
        $(property.cases = $cases;)?
        property
    }};
    (@check $fresh:tt $module:ident $name:ident) => { $module::$name };
    (@check [$fresh:expr] $module:ident $name:ident $machine:ident) => {
        |input: &_| $module::$name(&$fresh, input)
    };
    ($(
        $(#[doc = $promise:literal])+
        $name:ident($input:ty) $(* $cases:literal)? $([$($rule:ident)*])?
            $(where $($class:literal >= $share:literal %),+)? = $check:expr;
    )*) => {
        $(
            $(#[doc = $promise])+
            #[must_use]
            pub fn $name() -> $crate::property::Property {
                $crate::properties!(@row [$($promise)+], $name($input) [$($cases)?] [$($($rule)*)?]
                    [$($($class $share)+)?], $check)
            }
        )*

        $crate::properties!(@roster $($name)*);
    };
    (@$($rows:tt)*) => {
        compile_error!(
            "a row is a promise as a doc comment, then `name(Input) * 100 [RULE] where \"class\" >= 5 % = check;`, or \
             `module::name(Input) * 100 [RULE];`"
        );
    };
    ($($rows:tt)*) => {
        $crate::properties!(@functions [] $($rows)*);
    };
}
