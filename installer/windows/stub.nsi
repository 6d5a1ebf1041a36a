; A STUB in the place of the program, to try the installer where no Windows can be had. It does nothing but
;   stub.exe --selfcheck -o FILE   write {"stub": true} to FILE
;   stub.exe --wait FILE           run until FILE is gone
Unicode true
Target ${TARGET}
OutFile "${OUT}"
RequestExecutionLevel user
SilentInstall silent
Name "STUB of SXT Studio"
VIProductVersion "${VERSION4}"
VIAddVersionKey "FileDescription" "STUB of SXT Studio, which does nothing"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "LegalCopyright" "MIT licence"
!include "FileFunc.nsh"
!include "LogicLib.nsh"

Section
  ${GetParameters} $0
  ClearErrors
  ${GetOptions} $0 "--wait " $1
  ${IfNot} ${Errors}
    ${DoWhile} ${FileExists} "$1"
      Sleep 50
    ${Loop}
  ${EndIf}
  ClearErrors
  ${GetOptions} $0 "--selfcheck -o " $1
  ${IfNot} ${Errors}
    FileOpen $2 "$1" w
    FileWrite $2 '{"stub": true, "version": "${VERSION}"}'
    FileClose $2
  ${EndIf}
SectionEnd
